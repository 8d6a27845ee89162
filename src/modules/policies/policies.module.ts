import { Inject, Module, type OnModuleInit } from '@nestjs/common';
import { CONFIG } from '../../platform/config/config.module.js';
import type { Config } from '../../platform/config/config.js';
import { JourneyHooks } from '../journeys/index.js';
import { SendingDomainsModule, SendingHooks } from '../sending-domains/index.js';
import { LegalOverlays } from './legal-overlays.js';
import { PoliciesController } from './policies.controller.js';
import { PoliciesRepository } from './policies.repository.js';
import { PoliciesService } from './policies.service.js';
import { PolicyReferences } from './policy-references.js';
import { PolicyPreviews } from './policy-previews.js';
import { PolicyWaker } from './policy-waker.js';
import { PolicyWakesRepository } from './policy-wakes.repository.js';
import { PreviewRepository } from './preview.repository.js';

/** Under which name the runs of a journey that goes on show in the list of wakes. */
const AFTER_PAUSE = { policyKey: 'journey_pause', because: 'journey_resumed' } as const;
/** Under which those show who waited for marketing to go out again. */
const AFTER_SENDING_PAUSE = {
  ...{ policyKey: 'sending_pause', because: 'sending_resumed' },
  putOffFor: 'SENDING_PAUSED',
} as const;

@Module({
  imports: [SendingDomainsModule],
  controllers: [PoliciesController],
  providers: [
    LegalOverlays,
    PoliciesService,
    PoliciesRepository,
    PolicyPreviews,
    PolicyReferences,
    PolicyWaker,
    PolicyWakesRepository,
    PreviewRepository,
  ],
  exports: [PolicyWakesRepository],
})
export class PoliciesModule implements OnModuleInit {
  constructor(
    private readonly journeys: JourneyHooks,
    private readonly sending: SendingHooks,
    private readonly wakes: PolicyWakesRepository,
    @Inject(CONFIG) private readonly config: Pick<Config, 'policies'>,
  ) {}

  onModuleInit(): void {
    const { wakesPerSecond: perSecond } = this.config.policies;
    this.journeys.onResume((transaction, journeyKey) =>
      this.wakes.start(transaction, { ...AFTER_PAUSE, journeyKey, perSecond }),
    );
    this.sending.onResume((transaction) => this.wakes.start(transaction, { ...AFTER_SENDING_PAUSE, perSecond }));
  }
}
