import { Inject, Injectable } from '@nestjs/common';
import { CONFIG } from '../../platform/config/config.module.js';
import type { Config } from '../../platform/config/config.js';
import type { ProviderKind } from '../providers/index.js';
import { mailgun } from './schemes/mailgun.js';
import { postmark } from './schemes/postmark.js';
import type { CallbackScheme } from './schemes/scheme.js';
import { sendgrid } from './schemes/sendgrid.js';
import { ses } from './schemes/ses.js';
import { standardWebhooks } from './schemes/standard-webhooks.js';
import { twilio } from './schemes/twilio.js';
import { SnsClient } from './sns-client.js';

/** How each kind of provider calls back. */
@Injectable()
export class CallbackSchemes {
  private readonly schemes: Readonly<Record<ProviderKind, CallbackScheme | null>>;

  constructor(sns: SnsClient, @Inject(CONFIG) config: Pick<Config, 'auth'>) {
    this.schemes = {
      sendgrid,
      twilio,
      mailgun,
      postmark,
      ses: ses({ fetchCertificate: (url) => sns.certificate(url), isStandInAllowed: config.auth.mode === 'none' }),
      standard_webhooks: standardWebhooks,
      // They answer when they are asked, and never call.
      fcm: null,
      webpush: null,
    };
  }

  /** @returns null for a kind that never calls back */
  of(kind: ProviderKind): CallbackScheme | null {
    return this.schemes[kind];
  }
}
