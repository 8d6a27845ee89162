// `npm run seed`: makes the shipped journey `welcome` ready to be entered; `npm start` does the same.
import { pathToFileURL } from 'node:url';
import './typescript.mjs';

const { createApi } = await import('./demo/api.ts');
const { seedExample } = await import('./demo/examples.ts');

/** What every installation begins with. */
const EXAMPLES = ['welcome'];

/**
 * Creates and publishes the shipped examples, unless they are there. Safe to call at every start.
 *
 * @param options.apiKey undefined when the API asks for none
 * @returns for each journey its key, its version, and whether it is new
 */
export async function seedExamples({ baseUrl, apiKey }) {
  const api = createApi(baseUrl, apiKey ?? null);
  const seeded = [];
  for (const example of EXAMPLES) seeded.push(await seedExample(api, example));
  return seeded;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const baseUrl = process.argv[2] ?? 'http://127.0.0.1:8000';
  try {
    for (const { journey, version, isNew } of await seedExamples({
      baseUrl,
      apiKey: process.env.TACTFUL_API_KEY || undefined,
    })) {
      console.log(`journey ${journey}, version ${version}: ${isNew ? 'published' : 'was published before'}`);
    }
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
