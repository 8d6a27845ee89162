import { Inject, Injectable } from '@nestjs/common';
import { evaluateCondition } from '../../core/audiences/evaluate-condition.js';
import { gateConsent } from '../../core/consent/gate-consent.js';
import { HOUR_MS, MINUTE_MS, SECOND_MS, type DurationMs } from '../../core/kernel/instant.js';
import { Rounds } from '../../platform/concurrency/rounds.js';
import { CONFIG } from '../../platform/config/config.module.js';
import type { Config } from '../../platform/config/config.js';
import { Database } from '../../platform/database/database.js';
import { attributesOf, UsersService } from '../users/index.js';
import { sendBatch } from './audience-api.js';
import { audienceHash } from './audience-hash.js';
import {
  AUDIENCE_CHANNEL,
  AudienceMembers,
  type AudienceCandidate,
  type Wanted,
} from './audience-members.repository.js';
import { AudienceSecrets } from './audience-secrets.js';
import { AudienceSyncsRepository, type AudienceSyncRow } from './audience-syncs.repository.js';
import { isOptedOut } from './opt-outs.js';

const LOOK_EVERY_MS = 5 * SECOND_MS;
/** From the end of one round to the beginning of the next. */
const ROUND_EVERY_MS = MINUTE_MS;
/** Longer than a page or a batch takes: whoever takes so long is dead, and another one goes on. */
const HELD_MS = 2 * MINUTE_MS;
const USERS_MAX = 500;
/** As the platform takes them. */
const BATCH_MAX = 10_000;
const BACKOFF_MIN_MS = 30 * SECOND_MS;

type Failure = { readonly because: string; readonly retryAfterMs: DurationMs | null };

/**
 * Keeps audiences in step: a round looks at every user, notes who is to be in the audience, and tells the platform the
 * difference. Each step can be done twice, so that whoever dies leaves nothing that the next round does not mend.
 */
@Injectable()
export class AudienceRounds extends Rounds {
  constructor(
    private readonly database: Database,
    private readonly syncs: AudienceSyncsRepository,
    private readonly members: AudienceMembers,
    private readonly users: UsersService,
    private readonly secrets: AudienceSecrets,
    @Inject(CONFIG) private readonly config: Pick<Config, 'auth'>,
  ) {
    super(LOOK_EVERY_MS, 'audiences could not be kept in step');
  }

  /** Does what is due, one sync after the other. */
  protected async round(): Promise<void> {
    while (!this.isStopped) {
      const sync = await this.syncs.take(HELD_MS);
      if (sync === null) return;
      await this.keepInStep(sync);
    }
  }

  private async keepInStep(taken: AudienceSyncRow): Promise<void> {
    const mayAdd = taken.state === 'active' && !(await this.members.isSendingStopped());
    const sync = taken.state === 'ending' ? taken : await this.lookAtAll(taken);
    if (sync === null) return;
    const failure = (await this.push(sync, 'remove')) ?? (mayAdd ? await this.push(sync, 'add') : null);
    await this.members.forgetAbsent(sync.id);
    if (await this.syncs.removeEnded(sync.id)) return;
    const nextInMs = failure === null ? ROUND_EVERY_MS : afterFailureMs(sync.failures, failure);
    await this.syncs.finish(sync, { nextInMs, failure: failure?.because ?? null });
  }

  /** @returns null when the sync was changed meanwhile, or the process ends: the round goes on, or begins anew, later */
  private async lookAtAll(taken: AudienceSyncRow): Promise<AudienceSyncRow | null> {
    let sync: AudienceSyncRow | null = taken;
    while (sync !== null) {
      if (this.isStopped) return null;
      const last: string | null = await this.lookAtPage(sync);
      if (last === null) return sync;
      sync = await this.syncs.advance(sync, last, HELD_MS);
    }
    return null;
  }

  /** @returns the last user of the page; null when there is none behind */
  private lookAtPage(sync: AudienceSyncRow): Promise<string | null> {
    const page = { after: sync.cursor, limit: USERS_MAX, purpose: sync.purpose };
    return this.database.transaction(async (transaction) => {
      const read = await this.members.candidates(transaction, page);
      // Nobody who is held can be erased before this is written.
      const held = await this.users.holdShared(
        transaction,
        read.map(({ id }) => id),
      );
      const present = read.filter(({ id }) => held.has(id));
      const wanted = present.filter((candidate) => isWanted(sync, candidate)).flatMap((each) => wantedOf(sync, each));
      const userIds = present.map(({ id }) => id);
      await this.members.unwant(transaction, { syncId: sync.id, userIds, wanted });
      await this.members.want(transaction, sync.id, wanted);
      return read.length < USERS_MAX ? null : (read.at(-1)?.id ?? null);
    });
  }

  /** @returns why it could not go on; null when there is nothing left to tell */
  private async push(sync: AudienceSyncRow, act: 'add' | 'remove'): Promise<Failure | null> {
    const { id: syncId, baseUrl, audienceId } = sync;
    const accessToken = this.secrets.open(sync);
    for (const kind of sync.identifiers) {
      for (;;) {
        if (this.isStopped) return null;
        const hashes = await this.members.begin({ syncId, act, kind, limit: BATCH_MAX });
        if (hashes.length === 0) break;
        const batch = { baseUrl, audienceId, accessToken, act, kind, hashes };
        const result = await sendBatch(batch, this.config.auth.mode === 'none');
        if (result.kind === 'failed') return result;
        await this.members.settle({ syncId, act, kind, hashes });
        // One that was changed meanwhile begins anew.
        if ((await this.syncs.advance(sync, sync.cursor, HELD_MS)) === null) return null;
      }
    }
    return null;
  }
}

/**
 * By consent for the purpose alone, and not of whoever has opted out of sale, sharing or targeting: nothing else permits
 * to tell a platform who somebody is.
 */
function isWanted(sync: AudienceSyncRow, { now, consents, isSuppressed, ...profile }: AudienceCandidate): boolean {
  if (isSuppressed) return false;
  const { purpose, brand, condition } = sync;
  const asked = { purpose, channel: AUDIENCE_CHANNEL, brand, consents, now, legalBasis: 'consent' } as const;
  if (gateConsent(asked).kind !== 'pass' || isOptedOut(asked)) return false;
  return evaluateCondition({ condition, attributes: attributesOf(profile) });
}

function wantedOf({ identifiers }: AudienceSyncRow, candidate: AudienceCandidate): readonly Wanted[] {
  return identifiers.flatMap((kind) => {
    const address = candidate[kind];
    const hash = address === null ? null : audienceHash(kind, address);
    return hash === null ? [] : [{ userId: candidate.id, kind, hash }];
  });
}

/** As long as the platform asks for; else twice as long each time, to an hour. */
const afterFailureMs = (failures: number, { retryAfterMs }: Failure): DurationMs =>
  retryAfterMs ?? Math.min(BACKOFF_MIN_MS * 2 ** Math.min(failures, 10), HOUR_MS);
