import { randomBytes } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { Clock } from '../../platform/clock/clock.js';
import { CONFIG } from '../../platform/config/config.module.js';
import type { Config } from '../../platform/config/config.js';
import { keysOf } from '../../platform/config/derive-key.js';
import { SecretBox } from '../../platform/config/secret-box.js';
import type { PayloadKey, PayloadKeys } from '../../platform/temporal/sealing.codec.js';
import { PayloadKeysRepository } from './payload-keys.repository.js';

const KEY_BYTES = 32;
const KEPT_MS_MAX = 60_000;
const KEPT_MAX = 10_000;
const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';
const WORKFLOW_OF_USER = new RegExp(`^journey:[^:]+:(${UUID}):`);
const KEY_OF_USER = new RegExp(`^user:(${UUID})$`);
const COMMON = 'common:';

/**
 * Keys of payloads: each user's runs have a key of their own, so that it can be destroyed with the user. Everything else,
 * and runs of users who are forgotten, is sealed with a key derived from SECRET_KEY. A key that was destroyed may be
 * remembered by a process for a minute.
 */
@Injectable()
export class UserPayloadKeys implements PayloadKeys {
  private readonly common: ReadonlyMap<string, Buffer>;
  private readonly box: SecretBox;
  private readonly kept = new Map<string, { readonly key: Promise<Buffer | null>; readonly until: number }>();

  constructor(
    private readonly repository: PayloadKeysRepository,
    private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Pick<Config, 'secrets'>,
  ) {
    this.common = keysOf(config.secrets, 'payload');
    this.box = new SecretBox(config.secrets, 'payload-key');
  }

  async keyFor(workflowId: string | undefined): Promise<PayloadKey> {
    const [, userId] = WORKFLOW_OF_USER.exec(workflowId ?? '') ?? [];
    const key = userId === undefined ? null : await this.keep(userId, () => this.make(userId));
    if (key !== null) return { id: `user:${userId}`, key };
    const { kid } = this.config.secrets.current;
    return { id: `${COMMON}${kid}`, key: this.common.get(kid) ?? Buffer.alloc(0) };
  }

  async find(id: string): Promise<Buffer | null> {
    if (id.startsWith(COMMON)) return this.common.get(id.slice(COMMON.length)) ?? null;
    const [, userId] = KEY_OF_USER.exec(id) ?? [];
    return userId === undefined ? null : this.keep(userId, () => this.read(userId));
  }

  /** This process remembers the user's key no longer. */
  forget(userId: string): void {
    this.kept.delete(userId);
  }

  /** One question to the database for many payloads of one user; what failed is asked again. */
  private keep(userId: string, ask: () => Promise<Buffer | null>): Promise<Buffer | null> {
    const now = this.clock.now();
    const known = this.kept.get(userId);
    if (known !== undefined && known.until > now) return known.key;
    if (this.kept.size >= KEPT_MAX) this.kept.clear();
    const key = ask();
    this.kept.set(userId, { key, until: now + KEPT_MS_MAX });
    // Nobody's key is no answer to keep: the user may get one by the next payload.
    key.then(
      (found) => (found === null ? this.kept.delete(userId) : undefined),
      () => this.kept.delete(userId),
    );
    return key;
  }

  private async read(userId: string): Promise<Buffer | null> {
    return this.unseal(userId, await this.repository.find(userId));
  }

  private async make(userId: string): Promise<Buffer | null> {
    const found = await this.repository.find(userId);
    if (found !== null) return this.unseal(userId, found);
    const sealed = this.box.seal(randomBytes(KEY_BYTES).toString('base64url'), userId);
    return this.unseal(userId, await this.repository.ensure(userId, sealed));
  }

  private unseal(userId: string, sealed: string | null): Buffer | null {
    return sealed === null ? null : Buffer.from(this.box.open(sealed, userId), 'base64url');
  }
}
