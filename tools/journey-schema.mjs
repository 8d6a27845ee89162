// `npm run docs:schema`: writes docs/reference/journey.schema.json, the shape of a journey as JSON Schema, from the
// same description that checks every request. test/style/journey-schema.spec.ts fails if the file is stale.
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { format } from 'prettier';

// Decorators stand behind the description, so it comes from the build.
const built = new URL('../dist/src/modules/journeys/definitions/journey-schema.js', import.meta.url);
const { journeySchema } = await import(built.href);

const file = fileURLToPath(new URL('../docs/reference/journey.schema.json', import.meta.url));
writeFileSync(file, await format(JSON.stringify(journeySchema(), null, 2), { parser: 'json', printWidth: 120 }));
