import { Inject, Injectable } from '@nestjs/common';
import { CONFIG } from '../../platform/config/config.module.js';
import type { Config } from '../../platform/config/config.js';
import { SecretBox } from '../../platform/config/secret-box.js';
import type { AudienceSyncRow } from './audience-syncs.repository.js';

/** Access tokens of audiences, under seal. */
@Injectable()
export class AudienceSecrets {
  private readonly box: SecretBox;

  constructor(@Inject(CONFIG) config: Pick<Config, 'secrets'>) {
    this.box = new SecretBox(config.secrets, 'audience-sync');
  }

  seal(key: string, accessToken: string): string {
    return this.box.seal(accessToken, key);
  }

  /** @throws Error when the secret with which it was sealed is not set any more */
  open({ key, accessToken }: Pick<AudienceSyncRow, 'key' | 'accessToken'>): string {
    return this.box.open(accessToken, key);
  }
}
