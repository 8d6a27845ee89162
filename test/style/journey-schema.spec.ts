import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { journeySchema } from '../../src/modules/journeys/definitions/journey-schema.js';
import { JourneyDefinitionDto } from '../../src/modules/journeys/definitions/journeys.dto.js';
import { definitionOf, readJourneyCases } from '../support/journey-cases.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (file: string): unknown => JSON.parse(readFileSync(`${root}${file}`, 'utf8')) as unknown;
const published = read('docs/reference/journey.schema.json') as Parameters<typeof z.fromJSONSchema>[0];

describe('docs/reference/journey.schema.json', () => {
  it('is what the API answers: else run "npm run docs:schema"', () => {
    expect(published).toEqual(journeySchema());
    expect(published).toMatchObject({ $schema: 'https://json-schema.org/draft/2020-12/schema' });
  });

  it('accepts every example and every case of a journey, as the API does', () => {
    const schema = z.fromJSONSchema(published);
    const examples = globSync('examples/*/journey.*.json', { cwd: root }).map(read);
    expect(examples.length).toBeGreaterThan(1);
    for (const definition of [...examples, ...readJourneyCases().map(definitionOf)]) {
      expect(JourneyDefinitionDto.safeParse(definition)).toMatchObject({ success: true });
      expect(schema.safeParse(definition)).toMatchObject({ success: true });
    }
  });

  it.each<[string, object]>([
    ['a kind that does not exist', { kind: 'sleep', id: 'a' }],
    ['a word that does not belong', { kind: 'wait', id: 'a', duration: 'PT1H', until_later: true }],
    ['a weekday that does not exist', { kind: 'wait', id: 'a', until: { at: '09:00', weekdays: ['funday'] } }],
    ['one bound', { kind: 'wait', id: 'a', between: ['PT1H'] }],
    ['a condition that asks nothing', { kind: 'branch', id: 'a', condition: { kind: 'not', of: { kind: 'event' } } }],
  ])('refuses %s, as the API does', (_what, step) => {
    const definition = { key: 'a', name: 'A', steps: [step, { kind: 'end', id: 'done' }] };
    expect(JourneyDefinitionDto.safeParse(definition).success).toBe(false);
    expect(z.fromJSONSchema(published).safeParse(definition).success).toBe(false);
  });
});
