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
});
