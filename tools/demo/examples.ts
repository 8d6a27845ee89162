import { readdirSync, readFileSync } from 'node:fs';
import { ApiError, findOrNull, type Api } from './api.js';

const FOLDER = new URL('../../examples/', import.meta.url);

interface Definition {
  readonly key: string;
}

interface JourneyState {
  readonly current_version: number | null;
}

/** What the publication of a shipped journey found and did. */
export interface Seeded {
  readonly journey: string;
  readonly version: number;
  /** False when the journey was published before. */
  readonly isNew: boolean;
}

/**
 * Makes one shipped example ready to be entered: its message templates, its actions, its journey, published. What exists
 * already is left as it is, because its owner may have changed it.
 *
 * @param example a folder of `examples/`
 */
export async function seedExample(api: Api, example: string): Promise<Seeded> {
  for (const template of readDefinitions(example, 'message-template')) {
    await createUnlessThere(api, '/api/message-templates', template);
  }
  for (const action of readDefinitions(example, 'action')) await createUnlessThere(api, '/api/actions', action);
  const [journey] = readDefinitions(example, 'journey');
  if (journey === undefined) throw new Error(`examples/${example} holds no journey`);
  await createUnlessThere(api, '/api/journeys/templates', journey);
  return publishUnlessPublished(api, journey.key);
}

/** The definitions of one kind in a folder of `examples/`, in the order of their file names. */
export function readDefinitions(example: string, kind: 'message-template' | 'action' | 'journey'): Definition[] {
  const folder = new URL(`${example}/`, FOLDER);
  return readdirSync(folder)
    .filter((name) => name.startsWith(`${kind}.`) && name.endsWith('.json'))
    .sort()
    .map((name) => JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as Definition);
}

async function createUnlessThere(api: Api, path: string, definition: Definition): Promise<void> {
  if ((await findOrNull(api, `${path}/${definition.key}`)) !== null) return;
  try {
    await api.post(path, definition);
  } catch (error) {
    // Somebody else was faster: what they made is left as it is.
    if (!(error instanceof ApiError && error.status === 409)) throw error;
  }
}

async function publishUnlessPublished(api: Api, journey: string): Promise<Seeded> {
  const path = `/api/journeys/templates/${journey}`;
  const { current_version: current } = await api.get<JourneyState>(path);
  if (current !== null) return { journey, version: current, isNew: false };
  const { version } = await api.post<{ readonly version: number }>(`${path}/publish`);
  return { journey, version, isNew: true };
}
