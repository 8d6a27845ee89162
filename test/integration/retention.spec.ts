import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Database } from '../../src/platform/database/database.js';
import { Retention } from '../../src/platform/database/retention.js';
import { createTestApp } from '../support/app.js';

const DAY_MS = 86_400_000;
/** More than go in one statement. */
const MANY = 2_500;

describe('what is there only to be seen', () => {
  let app: NestFastifyApplication;
  beforeAll(async () => {
    app = await createTestApp({ LOGS_KEPT_DAYS: '90' });
  });
  afterAll(async () => {
    await app.close();
  });

  const query = <Row extends object>(text: string, ...values: unknown[]): Promise<readonly Row[]> =>
    app.get(Database).query<Row>({ text, values });
  /** Ids as they were made so many days ago. */
  const idsOf = async (days: number, count = 1): Promise<readonly string[]> =>
    (
      await query<{ id: string }>(
        `select uuidv7(make_interval(days => -$1::int)) as id from generate_series(1, $2)`,
        days,
        count,
      )
    ).map(({ id }) => id);

  it('goes once it is old, however much it is; a callback that is still to be applied stays', async () => {
    const add = (ids: readonly string[], nextAttempt: string | null) =>
      query(
        `insert into provider_callbacks (id, account_key, scheme, channel, provider_event_id, kind, payload, state,
          next_attempt_at)
        select id, 'old', 'sendgrid', 'email', id::text, 'delivered', '{}', 'applied', $2 from unnest($1::uuid[]) as id`,
        ids,
        nextAttempt,
      );
    const [fresh, due] = [await idsOf(89), await idsOf(200)];
    await add([...(await idsOf(91, MANY)), ...fresh], null);
    await add(due, new Date(Date.now() + DAY_MS).toISOString());
    await app.get(Retention).purge();
    const left = await query<{ id: string }>(`select id from provider_callbacks where account_key = 'old' order by id`);
    expect(left.map(({ id }) => id)).toEqual([...due, ...fresh]);
  });

  it('goes of an enrolment too, which still tells how many it refused', async () => {
    const [journey] = await query<{ id: string }>(
      `insert into journeys (key, name, definition) values ('kept-for', 'kept', '{}') returning id`,
    );
    const [bulk] = await query<{ id: string }>(
      `insert into bulk_enrolments (journey_id, source, per_second, state, refused, created_by)
      values ($1, 'ids', 50, 'done', 2, 'spec') returning id`,
      journey?.id,
    );
    const [fresh] = await idsOf(89);
    await query(
      `insert into bulk_enrolment_refusals (id, bulk_id, line, code, detail)
      select id, $2, 1, 'USER_UNKNOWN', 'nobody' from unnest($1::uuid[]) as id`,
      [...(await idsOf(91)), fresh],
      bulk?.id,
    );
    await app.get(Retention).purge();
    expect(await query('select id from bulk_enrolment_refusals where bulk_id = $1', bulk?.id)).toEqual([{ id: fresh }]);
    expect(await query('select refused from bulk_enrolments where id = $1', bulk?.id)).toEqual([{ refused: 2 }]);
  });

  it('goes of runs that ended: their paths, and nothing of runs that go on or ended lately', async () => {
    const [journey] = await query<{ id: string }>(
      `insert into journeys (key, name, definition) values ('walked', 'walked', '{}') returning id`,
    );
    await query(
      `insert into journey_versions (journey_id, version, definition, plan, content_hash) values ($1, 1, '{}', '{}', '')`,
      journey?.id,
    );
    const walk = async (key: string, runs: number, steps: number, daysAgo: number | null): Promise<void> => {
      await query(
        `with people as (
            insert into users (external_id) select $1 || n from generate_series(1, $2) n returning id
          ), entries as (
            insert into journey_entries (run_key, journey_id, version, user_id, entry_key, source, entered_at, ended_at)
            select $1 || people.id, $4, 1, people.id, 'first', 'spec', now() - interval '200 days',
              now() - make_interval(days => $5)
            from people returning run_key
          )
          insert into run_path (run_key, seq, step_id, visit, entered_at, turn)
          select run_key, seq, 'step', seq, now() - interval '200 days', seq from entries, generate_series(1, $3) seq`,
        key,
        runs,
        steps,
        journey?.id,
        daysAgo,
      );
    };
    // Runs without any path stand before all others, and must not hide them.
    await walk('bare-', MANY, 0, 95);
    await walk('long-', 60, 100, 91);
    await walk('lost-', 2, 3, 91);
    await query(`delete from run_path where run_key like 'lost-%' and seq = 1`);
    await walk('short-', MANY, 1, 91);
    await walk('lately-', 2, 3, 89);
    await walk('on-', 2, 3, null);
    await app.get(Retention).purge();
    const left = await query<{ key: string; steps: number }>(
      `select split_part(run_key, '-', 1) as key, count(*)::int as steps from run_path group by 1 order by 1`,
    );
    expect(left).toEqual([
      { key: 'lately', steps: 6 },
      { key: 'on', steps: 6 },
    ]);
    expect(await query(`select count(*)::int as runs from journey_entries where source = 'spec'`)).toEqual([
      { runs: MANY + 60 + 2 + MANY + 4 },
    ]);
    // No later round walks over them again, nor over runs that go on.
    const looked = `select split_part(run_key, '-', 1) as key from journey_entries
      where ended_at is not null and not is_path_gone order by run_key`;
    expect(await query(looked)).toEqual([{ key: 'lately' }, { key: 'lately' }]);
    const plan = await app.get(Database).transaction(async (transaction) => {
      await transaction.query({ text: 'set local enable_seqscan = off' });
      return transaction.query({
        text: 'explain select run_key from journey_entries where ended_at < now() and not is_path_gone order by ended_at',
      });
    });
    expect(JSON.stringify(plan)).toContain('journey_entries_path_kept');
  });
});
