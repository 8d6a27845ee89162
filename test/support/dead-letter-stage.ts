import { Replayer } from '../../src/modules/dead-letters/replayer.js';
import { ContactStage, messageRequest, type Contactee } from './contact-stage.js';
import { startSandboxProcess, type AcceptedMessage, type SandboxProcess } from './sandbox.js';

/** A message that its provider refused, in a run that went on. */
export interface Refused extends Contactee {
  readonly runKey: string;
  readonly deliveryId: string;
}

/** Of the message, not of its recipient, whoever is asked. */
const REFUSAL = { status: 422, body: '{"ErrorCode": 405, "Message": "not this one"}' };

interface Answered {
  readonly status: number;
  readonly body: { readonly code?: string; readonly id: string; readonly state: string };
}

/** One replay as operators see it. */
export interface ShownReplay {
  readonly id: string;
  readonly state: string;
  readonly explanation: string;
  readonly code: string | null;
  readonly decision_id: string | null;
  readonly next_at: string | null;
}

/** Two processes, a sandbox of providers, and messages that they refused. */
export class DeadLetterStage {
  private accounts = 0;
  provider = '';

  private constructor(
    readonly contacts: ContactStage,
    readonly sandbox: SandboxProcess,
  ) {}

  static async open(): Promise<DeadLetterStage> {
    const [contacts, sandbox] = await Promise.all([ContactStage.open(2, 6), startSandboxProcess()]);
    await contacts.template('mail');
    await contacts.journey('mails', 'mail');
    return new DeadLetterStage(contacts, sandbox);
  }

  async close(): Promise<void> {
    await this.contacts.query('delete from provider_accounts');
    await this.contacts.close();
    await this.sandbox.stop();
  }

  query<Row extends object>(text: string, ...values: unknown[]): Promise<readonly Row[]> {
    return this.contacts.query<Row>(text, ...values);
  }

  /** One account for e-mail, of whose health nothing is known, and no faults. */
  async account(kind: 'sendgrid' | 'postmark' = 'sendgrid'): Promise<void> {
    await this.sandbox.faults([]);
    await this.query('delete from provider_accounts');
    this.provider = `${kind}_${(this.accounts += 1)}`;
    const credentials = kind === 'sendgrid' ? { api_key: 'SG.sandbox' } : { server_token: 'sandbox' };
    const settings = { base_url: `${this.sandbox.url}/${kind}` };
    await this.contacts.send('POST', '/api/providers', { key: this.provider, kind, credentials, settings });
  }

  fault(kind: string, person?: Contactee, parameters?: object): Promise<void> {
    const provider = this.provider.split('_')[0];
    const match = person === undefined ? {} : { match: { recipient: person.email } };
    return this.sandbox.faults([{ provider, kind, ...match, ...(parameters === undefined ? {} : { parameters }) }]);
  }

  /** Somebody whose message was refused; the fault that did it is over. */
  async refused(given?: Contactee): Promise<Refused> {
    const person = given ?? (await this.contacts.person());
    const [runKey = ''] = await this.contacts.enter(person.id, 'mails');
    await this.fault('error', person, REFUSAL);
    const answer = await this.contacts.ask(messageRequest({ runKey, userId: person.id, journeyKey: 'mails' }, 'mail'));
    expect(answer).toMatchObject({ kind: 'skip', reason: 'PROVIDER_REJECTED' });
    await this.sandbox.faults([]);
    const [row] = await this.query<{ id: string }>('select id from deliveries where run_key = $1', runKey);
    return { ...person, runKey, deliveryId: row?.id ?? '' };
  }

  async post(url: string, payload: object = {}): Promise<Answered> {
    const { statusCode, body } = await this.contacts.inject({ method: 'POST', url, payload });
    return { status: statusCode, body: JSON.parse(body) as Answered['body'] };
  }

  replay({ deliveryId }: Refused, more: object = {}): Promise<Answered> {
    return this.post(`/api/dead-letters/${deliveryId}/replay`, { reason: 'put right', ...more });
  }

  /** What the worker does again and again, once. @returns how many replays it asked about */
  round(process = 0): Promise<number> {
    return this.contacts.get(Replayer, process).round();
  }

  /** As if the time had come for what was put off. */
  wake(...letters: readonly Refused[]): Promise<unknown> {
    return this.query(
      `update dead_letter_replays set next_at = date_trunc('milliseconds', clock_timestamp()) where state = 'waiting' and delivery_id = any ($1)`,
      letters.map(({ deliveryId }) => deliveryId),
    );
  }

  async replays({ deliveryId }: Refused): Promise<readonly ShownReplay[]> {
    const { replays } = await this.contacts.send<{ replays: readonly ShownReplay[] }>(
      'GET',
      `/api/dead-letters/${deliveryId}`,
    );
    return replays;
  }

  async delivery({ deliveryId }: Refused) {
    const [row] = await this.query<{ state: string; attempt: number; ledger: string; failure: string | null }>(
      `select delivery.state, attempt, ledger.state as ledger, failure from deliveries delivery
        join contact_ledger ledger on delivery_id = id where id = $1`,
      deliveryId,
    );
    return row;
  }

  async accepted({ email }: Contactee): Promise<readonly AcceptedMessage[]> {
    return (await this.sandbox.accepted()).filter(({ recipient }) => recipient === email);
  }
}
