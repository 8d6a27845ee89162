import { Module } from '@nestjs/common';
import { LegalOverlays } from './legal-overlays.js';
import { PoliciesController } from './policies.controller.js';
import { PoliciesRepository } from './policies.repository.js';
import { PoliciesService } from './policies.service.js';
import { PolicyReferences } from './policy-references.js';
import { PolicyPreviews } from './policy-previews.js';
import { PolicyWaker } from './policy-waker.js';
import { PolicyWakesRepository } from './policy-wakes.repository.js';
import { PreviewRepository } from './preview.repository.js';

@Module({
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
export class PoliciesModule {}
