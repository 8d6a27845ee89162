import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DefinitionsCache } from '../../src/modules/decisions/definitions-cache.js';
import { DefinitionsRepository } from '../../src/modules/decisions/definitions.repository.js';
import { Database } from '../../src/platform/database/database.js';
import { createTestApp } from '../support/app.js';

/** A busy machine takes its time to make the tables and start the API. */
const SETUP_MS_MAX = 120_000;

describe('definitions that a process decides with', () => {
  let app: NestFastifyApplication;
  let database: Database;

  beforeAll(async () => {
    app = await createTestApp();
    database = app.get(Database);
  }, SETUP_MS_MAX);
  afterAll(async () => {
    await app.close();
  });

  it('are refused as a whole where there are too many of a kind: a part of the rules would open gates', async () => {
    const fill = `insert into policies (key, version, kind, is_active, definition)
      select 'many_' || n, 1, 'lever', true, '{"kind": "lever", "target": "group", "name": "g", "weight": 1}'
      from generate_series(1, $1) n`;
    await database.query({ text: fill, values: [20_001] });
    const definitions = app.get(DefinitionsRepository);
    await expect(definitions.load(database)).rejects.toThrow('more than 20000 policies');
    await database.query({ text: `delete from policies where key = 'many_1'` });
    expect((await definitions.load(database)).policies).toHaveLength(20_000);
    await database.query({ text: `delete from policies where key like 'many_%'` });
  });

  it('are stored once more after a transaction that stored them was rolled back', async () => {
    const cache = app.get(DefinitionsCache);
    await cache.reload(database);
    const change = `insert into policies (key, version, kind, is_active, definition)
      values ('share', 1, 'holdout', true, '{"kind": "holdout", "share": 0.5}')`;
    const undo = new Error('rolled back');
    await database.query({ text: change });
    const attempt = database.transaction(async (transaction) => {
      await cache.keep(transaction, await cache.reload(transaction));
      throw undo;
    });
    await expect(attempt).rejects.toThrow(undo);
    const held = await cache.held(database);
    await cache.keep(database, held);
    const text = 'select from decision_definitions where hash = $1';
    expect(await database.query({ text, values: [held.hash] })).toHaveLength(1);
  });
});
