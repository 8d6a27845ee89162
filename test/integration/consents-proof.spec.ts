import { jest } from '@jest/globals';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { RunSignals } from '../../src/modules/journeys/index.js';
import { createTestApp } from '../support/app.js';
import { clientOf, type Client } from '../support/client.js';

/** A busy machine takes its time to make the tables and start the API. */
const START_MS_MAX = 120_000;
const UNKNOWN_ID = '01890a5d-ac96-774b-bcce-b302099a8057';

describe('proof and law of consents', () => {
  let app: NestFastifyApplication;
  let api: Client;
  beforeAll(async () => {
    app = await createTestApp({ OUTBOX_POLL_MS: '60000' });
    jest.spyOn(app.get(RunSignals), 'kick').mockReturnValue();
    api = clientOf(app);
  }, START_MS_MAX);
  afterAll(async () => {
    await app.close();
  }, START_MS_MAX);

  const state = async (id: string): Promise<unknown> =>
    ((await api.get(`/api/consents/${id}/summary`)).body as { consents: unknown }).consents;

  describe('the law on expiry', () => {
    const implied = { channel: 'email', status: 'granted', basis: 'implied', jurisdiction: 'CA', source: 'shop' };
    const record = async (more: object) =>
      api.post('/api/consents', { user_id: await api.user(), ...implied, ...more });

    it.each<[string, string, string]>([
      ['purchase', '2026-02-28T10:00:00Z', '2028-02-28T10:00:00.000Z'],
      ['inquiry', '2025-08-31T10:00:00Z', '2026-02-28T10:00:00.000Z'],
    ])('ends what is implied by a %s of %s at %s', async (kind, stated_at, expires_at) => {
      expect(await record({ evidence: { kind }, stated_at })).toMatchObject({ status: 201, body: { expires_at } });
    });

    it('counts from now where no time is stated, or one in the future', async () => {
      const left = await record({ evidence: { kind: 'purchase' } });
      const ahead = await record({ evidence: { kind: 'purchase' }, stated_at: '2099-01-01T00:00:00Z' });
      const { expires_at: plain, received_at } = left.body as { expires_at: string; received_at: string };
      const twoYears = new Date(received_at);
      twoYears.setUTCFullYear(twoYears.getUTCFullYear() + 2);
      expect(Math.abs(Date.parse(plain) - twoYears.getTime())).toBeLessThan(86_400_001);
      expect((ahead.body as { expires_at: string }).expires_at < '2099').toBe(true);
    });

    it('keeps an earlier end, and refuses a later one with the law', async () => {
      const purchase = { evidence: { kind: 'purchase' }, stated_at: '2026-02-01T00:00:00Z' };
      const earlier = await record({ ...purchase, expires_at: '2027-01-01T00:00:00Z' });
      expect(earlier.body).toMatchObject({ expires_at: '2027-01-01T00:00:00.000Z' });
      const exact = await record({ ...purchase, expires_at: '2028-02-01T00:00:00Z' });
      expect(exact.status).toBe(201);
      expect(await record({ ...purchase, expires_at: '2028-02-01T00:00:00.001Z' })).toMatchObject({
        status: 422,
        body: { code: 'EXPIRY_BEYOND_LAW', errors: [{ path: 'expires_at' }] },
      });
    });

    it.each<[string, object]>([
      ['of no kind', {}],
      ['of another kind', { kind: 'donation' }],
      ['of a kind that is written otherwise', { kind: 'Purchase' }],
      ['of a kind that is no text', { kind: 2 }],
    ])('refuses what is implied in Canada by evidence %s: it would never end', async (_what, evidence) => {
      const user_id = await api.user();
      for (const jurisdiction of ['CA', 'CA-QC']) {
        expect(await api.post('/api/consents', { user_id, ...implied, jurisdiction, evidence })).toMatchObject({
          status: 422,
          body: { code: 'EVIDENCE_KIND_REQUIRED', errors: [{ path: 'evidence.kind' }] },
        });
      }
      const consents = [
        { user_id, ...implied, evidence: { kind: 'purchase' } },
        { user_id, ...implied, evidence },
      ];
      expect(await api.post('/api/consents/batch', { consents })).toMatchObject({
        status: 422,
        body: { errors: [{ path: 'consents[1].evidence.kind' }] },
      });
      expect(await state(user_id)).toEqual([]);
      expect((await record({ jurisdiction: 'US-CA', evidence })).body).toMatchObject({ expires_at: null });
      expect((await record({ basis: 'consent', evidence })).body).toMatchObject({ expires_at: null });
      expect((await record({ status: 'withdrawn', evidence })).status).toBe(201);
    });

    it('is that of the profile where the statement names no place', async () => {
      const purchase = { ...implied, jurisdiction: undefined, evidence: { kind: 'purchase' } };
      const [canadian, american] = [
        await api.user({ jurisdiction: 'CA-ON' }),
        await api.user({ jurisdiction: 'US-NY' }),
      ];
      const stated_at = '2026-02-28T10:00:00Z';
      const consents = [
        { user_id: american, ...purchase, stated_at },
        { user_id: canadian, ...purchase, stated_at },
        { user_id: canadian, ...purchase, stated_at, jurisdiction: 'US-NY' },
        { user_id: american, ...purchase, stated_at, jurisdiction: 'CA' },
      ];
      const { data } = (await api.post('/api/consents/batch', { consents })).body as {
        data: { expires_at: string | null; jurisdiction: string | null }[];
      };
      const end = '2028-02-28T10:00:00.000Z';
      expect(data.map(({ expires_at, jurisdiction }) => [expires_at, jurisdiction])).toEqual([
        [null, null],
        [end, null],
        [null, 'US-NY'],
        [end, 'CA'],
      ]);
      expect(await api.post('/api/consents', { ...purchase, user_id: canadian, evidence: {} })).toMatchObject({
        status: 422,
        body: { code: 'EVIDENCE_KIND_REQUIRED' },
      });
    });

    it('wants a sale behind a soft opt-in, and stores nothing of a batch without one', async () => {
      const soft = { ...implied, jurisdiction: 'GB', basis: 'soft_opt_in' };
      const id = await api.user();
      const refused = await api.post('/api/consents/batch', {
        consents: [
          { user_id: id, ...soft, evidence: { sale_id: 'S-1' } },
          { user_id: id, ...soft, evidence: { sale_id: ' ' } },
        ],
      });
      expect(refused).toMatchObject({
        status: 422,
        body: { code: 'SALE_REQUIRED', errors: [{ path: 'consents[1].evidence.sale_id' }] },
      });
      expect(await state(id)).toEqual([]);
      expect((await record({ ...soft, evidence: { sale_id: 'S-1' } })).status).toBe(201);
      expect((await record({ ...soft, status: 'withdrawn' })).status).toBe(201);
    });
  });

  describe('a receipt', () => {
    const recorded = async (): Promise<{ id: string; user_id: string }> =>
      (
        await api.post('/api/consents', {
          user_id: await api.user({ email: 'receipt@example.com' }),
          channel: 'email',
          status: 'granted',
          source: 'signup',
          jurisdiction: 'DE',
          text_version: '2027-01',
          evidence: { form: 'footer', ip: '192.0.2.7' },
        })
      ).body;
    const issue = (id: string) => api.get(`/api/consents/records/${id}/receipt`);
    const verify = (receipt: object) => api.post('/api/consents/receipts/verify', { receipt });

    it('states the record without a personal word, and is known again', async () => {
      const { id, user_id } = await recorded();
      const receipt = await issue(id);
      expect(receipt).toMatchObject({
        status: 200,
        body: { receipt_version: 1, record_id: id, user_id, status: 'granted', text_version: '2027-01' },
      });
      expect(JSON.stringify(receipt.body)).not.toMatch(/192\.0\.2\.7|receipt@example/);
      expect(await issue(id)).toMatchObject({ body: receipt.body });
      expect((await verify(receipt.body)).body).toEqual({ is_genuine: true, is_on_record: true });
    });

    it('is not genuine when any one field of it was changed', async () => {
      const { id } = await recorded();
      const receipt: Record<string, unknown> = (await issue(id)).body;
      const changes = Object.entries(receipt).filter(([field]) => field !== 'receipt_version');
      expect(changes.length).toBeGreaterThan(15);
      for (const [field, value] of changes) {
        const other = typeof value === 'boolean' ? !value : /_id$/.test(field) ? UNKNOWN_ID : `${String(value)}x`;
        expect([field, (await verify({ ...receipt, [field]: other })).body]).toEqual([
          field,
          { is_genuine: false, is_on_record: false },
        ]);
      }
    });

    it('stays genuine when the person is erased, though nothing is on record any more', async () => {
      const { id, user_id } = await recorded();
      const receipt = await issue(id);
      await api.remove(`/api/users/${user_id}`);
      expect((await verify(receipt.body)).body).toEqual({ is_genuine: true, is_on_record: false });
      expect(await issue(id)).toMatchObject({ status: 410, body: { code: 'USER_ERASED' } });
      expect(await issue(UNKNOWN_ID)).toMatchObject({ status: 404, body: { code: 'CONSENT_RECORD_UNKNOWN' } });
    });
  });
});
