import { createHash } from 'node:crypto';
import { jest } from '@jest/globals';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DECISION_ENGINE } from '../../src/core/decisions/decide.js';
import { verifyCommand } from '../../src/modules/decisions/verify-command.js';
import { DecisionVerifier } from '../../src/modules/decisions/verify-walk.js';
import { VerifyRepository } from '../../src/modules/decisions/verify.repository.js';
import { Database } from '../../src/platform/database/database.js';
import { createTestApp } from '../support/app.js';
import { clientOf, type Client } from '../support/client.js';
import { stall } from '../support/concurrency.js';
import { consenting, makeActions, state } from '../support/marketing.js';

/** Many specs share two cores. */
const SETUP_MS_MAX = 120_000;
const NOBODY = '01890a5d-ac96-774b-bcce-b302099a8057';

interface Verification {
  readonly user_id: string;
  readonly is_intact: boolean;
  readonly decisions: number;
  readonly made_again: number;
  readonly fault_count: number;
  readonly next_cursor: string | null;
  readonly faults: readonly { readonly decision_id: string | null; readonly fault: string; readonly detail: string }[];
}

describe('verification of stored decisions', () => {
  let app: NestFastifyApplication;
  let api: Client;

  beforeAll(async () => {
    app = await createTestApp();
    api = clientOf(app);
    await makeActions(api, 'offer', 'tips');
  }, SETUP_MS_MAX);
  afterAll(async () => {
    await app.close();
  });

  const query = <Row extends object>(text: string, ...values: unknown[]): Promise<readonly Row[]> =>
    app.get(Database).query<Row>({ text, values });

  async function ask(userId: string): Promise<string> {
    const { status, body } = await api.post('/api/decisions/next-best-action', { user_id: userId });
    expect(status).toBe(201);
    return (body as { id: string }).id;
  }

  /** A person about whom was decided four times: twice an action, after a withdrawal twice silence. */
  async function chain(): Promise<{ readonly userId: string; readonly ids: readonly string[] }> {
    const userId = await consenting(api);
    const ids = [await ask(userId), await ask(userId)];
    await state(api, userId, 'withdrawn');
    return { userId, ids: [...ids, await ask(userId), await ask(userId)] };
  }

  async function verify(userId: string, more = ''): Promise<Verification> {
    const { status, body } = await api.get(`/api/decisions/verify?user_id=${userId}${more}`);
    expect(status).toBe(200);
    return body;
  }

  it('finds nothing wrong with what was really decided, and makes all of it again', async () => {
    const { userId } = await chain();
    expect(await verify(userId)).toEqual({
      user_id: userId,
      is_intact: true,
      decisions: 4,
      made_again: 4,
      fault_count: 0,
      faults: [],
      next_cursor: null,
    });
  });

  it('looks at 500 decisions at a time, and goes on where it is told', async () => {
    const userId = await consenting(api);
    await api.post('/api/decisions/next-best-action/batch', { user_ids: Array.from({ length: 501 }, () => userId) });
    await query(`update decisions set action = 'tips' where user_id = $1 and chain_seq in (500, 501)`, userId);
    const first = await verify(userId);
    expect(first).toMatchObject({ is_intact: false, decisions: 500, fault_count: 1, faults: [{ fault: 'column' }] });
    const rest = await verify(userId, `&cursor=${first.next_cursor}`);
    expect(rest).toMatchObject({ decisions: 1, fault_count: 1, next_cursor: null });
    // What was altered behind the reader's back between the two is found as well.
    await query(`update decisions set chain_hash = sha256(chain_hash) where user_id = $1 and chain_seq = 500`, userId);
    const after = await verify(userId, `&cursor=${first.next_cursor}`);
    expect(after.faults.map(({ fault }) => fault)).toEqual(['chain', 'column']);
    const [elsewhere] = (await chain()).ids;
    const cursor = Buffer.from(JSON.stringify({ after: elsewhere })).toString('base64url');
    for (const wrong of [cursor, 'nonsense']) {
      const answer = await api.get(`/api/decisions/verify?user_id=${userId}&cursor=${wrong}`);
      expect(answer).toMatchObject({ status: 400, body: { code: 'INVALID_INPUT', errors: [{ path: 'cursor' }] } });
    }
  }, 120_000);

  it('is done for one reader at a time in each process', async () => {
    const { userId } = await chain();
    const verifier = app.get(DecisionVerifier);
    const walk = stall(verifier.verifyPart.bind(verifier));
    const spy = jest.spyOn(verifier, 'verifyPart').mockImplementationOnce(walk.call);
    const first = verify(userId);
    await walk.arrived;
    const second = await api.get(`/api/decisions/verify?user_id=${userId}`);
    expect(second).toMatchObject({ status: 409, body: { code: 'VERIFICATION_UNDER_WAY' } });
    walk.goOn();
    expect((await first).decisions).toBe(4);
    spy.mockRestore();
    expect((await verify(userId)).decisions).toBe(4);
  });

  it('finds nothing wrong with a person about whom nothing was decided', async () => {
    expect(await verify(await api.user())).toMatchObject({ is_intact: true, decisions: 0 });
  });

  it('checks an erased person by the hashes that are left, and still finds what was altered', async () => {
    const { userId, ids } = await chain();
    await api.remove(`/api/users/${userId}`);
    expect(await verify(userId)).toMatchObject({ is_intact: true, decisions: 4, made_again: 0 });
    await query('update decisions set payload_hash = sha256($2::bytea) where id = $1', ids[2], Buffer.from('x'));
    expect(await verify(userId)).toMatchObject({ fault_count: 1, faults: [{ decision_id: ids[2], fault: 'chain' }] });
  });

  /** What is done to the decisions of one person by somebody who can write into the database. */
  interface Tampering {
    readonly what: string;
    readonly by: (chain: { readonly userId: string; readonly ids: readonly string[] }) => Promise<unknown>;
    /** In the order of the chain: the place of the decision, `null` for the whole chain, and the fault. */
    readonly finds: readonly (readonly [number | null, string, RegExp])[];
  }

  const column = (name: string, sql: string, at: number): Tampering => ({
    what: `the column ${name}`,
    by: ({ ids }) => query(`update decisions set ${name} = ${sql} where id = $1`, ids[at]),
    finds: [[at, 'column', new RegExp(`^column ${name} says .+, its record `)]],
  });
  const sha256 = (...parts: readonly (string | Buffer)[]): Buffer =>
    createHash('sha256')
      .update(Buffer.concat(parts.map((part) => Buffer.from(part))))
      .digest();

  const TAMPERINGS: readonly Tampering[] = [
    {
      what: 'a word of a record',
      by: ({ ids }) => query(`update decisions set record = replace(record, 'offer', 'other') where id = $1`, ids[1]),
      finds: [[1, 'content', /another hash/]],
    },
    {
      what: 'a record together with its hash',
      by: ({ ids }) =>
        query(
          `update decisions set record = replace(record, 'offer', 'other'),
            payload_hash = sha256(convert_to(replace(record, 'offer', 'other'), 'UTF8')) where id = $1`,
          ids[1],
        ),
      finds: [
        [1, 'chain', /does not follow/],
        [1, 'column', /^column action says offer, its record other$/],
        [1, 're_evaluation', /outcome/],
      ],
    },
    {
      what: 'a record that is gone, of somebody who was not erased',
      by: ({ ids }) => query('update decisions set record = null where id = $1', ids[0]),
      finds: [[0, 'missing', /not erased/]],
    },
    {
      what: 'a decision taken out of the middle',
      by: ({ ids }) => query('delete from decisions where id = $1', ids[1]),
      finds: [[2, 'sequence', /number 3 where 2 was expected/]],
    },
    {
      what: 'the first decision taken out',
      by: ({ ids }) => query('delete from decisions where id = $1', ids[0]),
      finds: [[1, 'sequence', /number 2 where 1 was expected/]],
    },
    {
      what: 'the last decision taken out',
      by: ({ ids }) => query('delete from decisions where id = $1', ids[3]),
      finds: [[null, 'head', /counts 4 decisions, the last one found has number 3/]],
    },
    {
      what: 'the last decision taken out, and the count with it',
      by: async ({ userId, ids }) => {
        await query('delete from decisions where id = $1', ids[3]);
        await query('update contact_state set chain_length = 3 where user_id = $1', userId);
      },
      finds: [[null, 'head', /another chain hash/]],
    },
    {
      what: 'all decisions taken out',
      by: ({ userId }) => query('delete from decisions where user_id = $1', userId),
      finds: [[null, 'head', /counts 4 decisions, the last one found has number 0/]],
    },
    {
      what: 'two decisions that changed places',
      by: ({ ids }) =>
        query('update decisions set chain_seq = 5 - chain_seq where id in ($1::uuid, $2::uuid)', ids[1], ids[2]),
      finds: [
        [2, 'chain', /does not follow/],
        [1, 'chain', /does not follow/],
        [3, 'chain', /does not follow/],
      ],
    },
    {
      what: 'a decision put in twice',
      by: ({ ids }) =>
        query(
          `insert into decisions select (jsonb_populate_record(d, jsonb_build_object('id', uuidv7()))).*
          from decisions d where id = $1`,
          ids[3],
        ),
      finds: [
        [null, 'sequence', /number 4 where 5 was expected/],
        [null, 'column', /^column id says /],
      ],
    },
    {
      what: 'a decision put at the end without the count',
      by: ({ userId }) => query('update contact_state set chain_length = 3 where user_id = $1', userId),
      finds: [[null, 'head', /counts 3 decisions, the last one found has number 4/]],
    },
    column('source', `'step'`, 1),
    column('step_id', `'another'`, 1),
    column('visit', '7', 2),
    column('ask', '7', 2),
    column('clock_domain', `'elsewhere'`, 3),
    column('outcome', `'defer'`, 0),
    column('channel', `'sms'`, 0),
    column('action', `'tips'`, 0),
    column('reason', `'FATIGUED'`, 3),
    column('decided_at', `decided_at - interval '1 day'`, 2),
    column('until', `decided_at`, 2),
    column('run_key', `'a:b:1'`, 2),
    {
      what: 'the name of its definitions',
      by: ({ ids }) => query('update decisions set definitions_hash = null where id = $1', ids[0]),
      finds: [[0, 'definitions', /are gone/]],
    },
    {
      what: 'a whole chain forged from an altered answer on, hashes, columns and count included',
      by: async ({ userId, ids }) => {
        const rows = await query<{ id: string; record: string; hash: Buffer }>(
          `select id, record, payload_hash as hash from decisions where user_id = $1 order by chain_seq`,
          userId,
        );
        let head: Buffer = Buffer.alloc(0);
        for (const { id, record, hash } of rows) {
          const forged = id === ids[1] ? forge(record) : record;
          const payloadHash = id === ids[1] ? sha256(forged) : hash;
          head = sha256(head, payloadHash);
          await query(
            'update decisions set record = $2, payload_hash = $3, chain_hash = $4 where id = $1',
            id,
            forged,
            payloadHash,
            head,
          );
        }
        await query(`update decisions set action = 'tips' where id = $1`, ids[1]);
        await query('update contact_state set chain_hash = $2 where user_id = $1', userId, head);
      },
      finds: [[1, 're_evaluation', /made again, it differs in outcome/]],
    },
    {
      what: 'a record that makes no sense, with all hashes right',
      by: async ({ userId, ids }) => {
        const record = '{"nonsense":1}';
        const [before] = await query<{ hash: Buffer }>(
          `select chain_hash as hash from decisions where id = $1`,
          ids[2],
        );
        const head = sha256(before?.hash ?? '', sha256(record));
        await query(
          'update decisions set record = $2, payload_hash = $3, chain_hash = $4 where id = $1',
          ids[3],
          record,
          sha256(record),
          head,
        );
        await query('update contact_state set chain_hash = $2 where user_id = $1', userId, head);
      },
      finds: [[3, 'definitions', /other definitions/]],
    },
  ];

  function forge(record: string): string {
    const value = JSON.parse(record) as { decision: { outcome: { action: string } } };
    value.decision.outcome.action = 'tips';
    return JSON.stringify(value);
  }

  it.each(TAMPERINGS)('finds $what', async ({ by, finds }) => {
    const made = await chain();
    await by(made);
    const { is_intact, faults, fault_count } = await verify(made.userId);
    const shown = faults.map(({ decision_id, fault }) => [
      decision_id === null || !made.ids.includes(decision_id) ? null : made.ids.indexOf(decision_id),
      fault,
    ]);
    expect(shown).toEqual(finds.map(([place, fault]) => [place, fault]));
    for (const [index, [, , detail]] of finds.entries()) expect(faults[index]?.detail).toMatch(detail);
    expect({ is_intact, fault_count }).toEqual({ is_intact: false, fault_count: finds.length });
  });

  it.each([
    ['another engine', `"engine":${DECISION_ENGINE}`, '"engine":0'],
    ['other data of time zones', `"zoneData":"${process.versions.tz}"`, '"zoneData":"1970a"'],
  ])('checks what was decided with %s by hashes and columns, and does not make it again', async (_, today, other) => {
    const { userId, ids } = await chain();
    const altered = await query<{ record: string }>(
      `with altered as (
          update decisions set record = replace(record, $4, $5),
            payload_hash = sha256(convert_to(replace(record, $4, $5), 'UTF8')),
            chain_hash = sha256((select chain_hash from decisions where id = $2) ||
              sha256(convert_to(replace(record, $4, $5), 'UTF8')))
          where id = $1 returning chain_hash, record
        ), chained as (
          update contact_state set chain_hash = altered.chain_hash from altered where user_id = $3
        )
        select record from altered`,
      ids[3],
      ids[2],
      userId,
      today,
      other,
    );
    expect(altered[0]?.record).toContain(other);
    expect(await verify(userId)).toMatchObject({ is_intact: true, decisions: 4, made_again: 3 });
  });

  it('finds definitions that were altered after decisions were made with them', async () => {
    const { userId, ids } = await chain();
    const body =
      'select hash, body from decision_definitions d where hash = (select definitions_hash from decisions where id = $1)';
    const [kept] = await query<{ hash: Buffer; body: string }>(body, ids[0]);
    await query(
      `update decision_definitions set body = replace(body, '"value":2', '"value":9') where hash = $1`,
      kept?.hash,
    );
    // Not the verifier of the API, which has read the body before.
    const fresh = new DecisionVerifier(app.get(VerifyRepository));
    const report = await fresh.verifyUser(userId);
    await query('update decision_definitions set body = $2 where hash = $1', kept?.hash, kept?.body);
    expect(report?.faultCount).toBe(4);
    expect(report?.faults[0]).toMatchObject({ kind: 'definitions', detail: expect.stringContaining('another hash') });
  });

  it('refuses users whom it does not know, and questions without one', async () => {
    for (const reference of [NOBODY, 'ext:nobody-at-all']) {
      const unknown = await api.get(`/api/decisions/verify?user_id=${reference}`);
      expect(unknown).toMatchObject({ status: 404, body: { code: 'USER_UNKNOWN' } });
    }
    expect((await api.get('/api/decisions/verify')).status).toBe(400);
  });

  describe('the command', () => {
    beforeAll(async () => {
      await query('delete from decisions');
      await query(`update contact_state set chain_length = 0, chain_hash = ''`);
    });

    async function run(...givenArguments: readonly string[]): Promise<{ code: number; lines: readonly string[] }> {
      const lines: string[] = [];
      const print = (line: string): void => void lines.push(line);
      const code = await verifyCommand(
        givenArguments,
        { print, printProgress: print },
        { verifier: app.get(DecisionVerifier), database: app.get(Database), now: Date.now() },
      );
      return { code, lines };
    }

    it('walks everybody, names each fault, and ends with 1 when there is one', async () => {
      expect(await run()).toEqual({ code: 0, lines: ['0 decisions of 0 users verified, 0 faults'] });
      const [first, second, third] = [await chain(), await chain(), await chain()];
      expect(await run()).toEqual({ code: 0, lines: ['12 decisions of 3 users verified, 0 faults'] });
      await query(`update decisions set action = 'tips' where id = $1`, first.ids[0]);
      await query('delete from decisions where id = $1', second.ids[3]);
      await query('update decisions set user_id = $2 where id = $1', third.ids[3], NOBODY);
      const { code, lines } = await run();
      expect(code).toBe(1);
      expect(lines.slice(0, -1).sort()).toEqual(
        [
          `FAULT column: decision ${first.ids[0]} of user ${first.userId}: column action says tips, its record offer`,
          `FAULT head: user ${second.userId}: the user's state counts 4 decisions, the last one found has number 3`,
          `FAULT head: user ${third.userId}: the user's state counts 4 decisions, the last one found has number 3`,
          `FAULT orphan: decision ${third.ids[3]} of user ${NOBODY}: it is about a user who has no chain`,
        ].sort(),
      );
      expect(lines.at(-1)).toBe('11 decisions of 3 users verified, 4 faults');
      await query('delete from decisions where user_id = $1', NOBODY);
    });

    it('looks at one user, and at what is recent', async () => {
      const { userId, ids } = await chain();
      await query(`update users set external_id = 'of-the-command' where id = $1`, userId);
      const whole = { code: 0, lines: ['4 decisions of 1 users verified, 0 faults'] };
      expect(await run('--user', userId)).toEqual(whole);
      expect(await run('--user', 'ext:of-the-command')).toEqual(whole);
      await query(`update decisions set action = 'tips' where id = $1`, ids[0]);
      expect((await run('--user', userId, '--since', 'PT1H')).code).toBe(1);
      // Older than that it is checked by its hashes, which do not cover the columns.
      const later = new Date(Date.now() + 60_000).toISOString();
      expect(await run('--user', userId, '--since', later)).toEqual(whole);
      expect(await run('--since', later)).toEqual({ code: 0, lines: ['0 decisions of 0 users verified, 0 faults'] });
      expect((await run('--help')).lines[0]).toMatch(/^usage: npm run verify:decisions/);
    });

    it('finds the same over many pages of one chain', async () => {
      const userId = await consenting(api);
      const references = Array.from({ length: 450 }, () => userId);
      await api.post('/api/decisions/next-best-action/batch', { user_ids: references });
      expect(await run('--user', userId)).toMatchObject({
        code: 0,
        lines: ['450 decisions of 1 users verified, 0 faults'],
      });
      await query('delete from decisions where user_id = $1 and chain_seq = 200', userId);
      const { lines } = await run('--user', userId);
      expect(lines[0]).toMatch(/^FAULT sequence: .+ it has number 201 where 200 was expected$/);
      expect(lines).toHaveLength(2);
    }, 120_000);

    it.each([
      [['--user', 'x y'], /--user x y: a UUID, or ext:/],
      [['--user', 'ext:nobody-at-all'], /there is no such user/],
      [['--user', NOBODY], /there is no such user/],
      [['--since', 'yesterday'], /--since yesterday: an instant such as/],
      [['--nonsense'], /nonsense/],
    ])('refuses %j', async (given, message) => {
      await expect(run(...given)).rejects.toThrow(message);
    });
  });
});
