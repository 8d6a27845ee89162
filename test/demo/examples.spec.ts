import { readdirSync } from 'node:fs';
import { compile } from '../../src/core/journeys/compile.js';
import { NewAction } from '../../src/modules/actions/actions.dto.js';
import { JourneyDefinitionDto } from '../../src/modules/journeys/definitions/journeys.dto.js';
import { authorMessage } from '../../src/modules/message-templates/authoring.js';
import { faultsOfMarketing } from '../../src/modules/message-templates/content-rules.js';
import { NewMessageTemplate } from '../../src/modules/message-templates/message-templates.dto.js';
import { parseContent, renderContent } from '../../src/modules/message-templates/renderer.js';
import { readDefinitions } from '../../tools/demo/examples.js';
import { readSessions } from '../../tools/demo/online-shoppers.js';
import { toUser } from '../../tools/demo/records.js';

const folder = new URL('../../examples/', import.meta.url);
const examples = readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
  entry.isDirectory() ? [entry.name] : [],
);

describe.each(examples)('example %s', (example) => {
  const templates = readDefinitions(example, 'message-template').map((body) => NewMessageTemplate.parse(body));
  const actions = readDefinitions(example, 'action').map((body) => NewAction.parse(body));
  const journeys = readDefinitions(example, 'journey').map((body) => JourneyDefinitionDto.parse(body));
  const templateKeys = new Set(templates.map(({ key }) => key));
  const actionKeys = new Set(actions.map(({ key }) => key));

  it('holds one journey that compiles', () => {
    expect(journeys).toHaveLength(1);
    for (const journey of journeys) {
      expect(compile(journey, { version: 1, contentHash: 'hash' })).toMatchObject({ kind: 'plan' });
    }
  });

  it('brings everything that its journey and its actions name', () => {
    const steps = journeys.flatMap((journey) => journey.steps);
    const named = [
      ...steps.flatMap((step) =>
        step.kind === 'message'
          ? (step.channel === 'best' ? step.choices : [step]).map(({ template }) => template)
          : [],
      ),
      ...actions.map(({ template }) => template),
    ];
    expect(named.filter((key) => !templateKeys.has(key))).toEqual([]);
    const weighed = steps.flatMap((step) => (step.kind === 'decide' ? step.actions : []));
    expect(weighed.filter((key) => !actionKeys.has(key))).toEqual([]);
  });

  it.each(templates)('$key is a lawful marketing message that reads well for anybody', async (template) => {
    const { content, missing } = await authorMessage(template);
    const parsed = parseContent(content);
    if (parsed.kind === 'faults') throw new Error(JSON.stringify(parsed.faults));
    expect(faultsOfMarketing(parsed.content)).toEqual([]);
    const [session] = readSessions();
    const users = [{}, { name: null, attributes: {} }, { name: 'Jane Doe', ...(session && toUser(1, session)) }];
    for (const user of users) {
      const company = { name: 'Example', address: '1 Example Street' };
      const context = { user, company, unsubscribe_url: 'https://example.com/u' };
      const message = renderContent(parsed.content, { context, missing });
      for (const part of Object.values(message)) {
        expect(part).not.toMatch(/\{\{|\}\}|undefined|null|NaN|, ?,/);
        expect(part).not.toContain('  minutes');
      }
    }
  });
});
