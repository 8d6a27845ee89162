import { Module, type OnModuleInit } from '@nestjs/common';
import { UserHooks, UsersModule } from '../users/index.js';
import { BatchDecisions } from './batch.service.js';
import { DecisionInputs } from './decision-inputs.js';
import { DecisionsController } from './decisions.controller.js';
import { DecisionsRepository } from './decisions.repository.js';
import { DecisionsService } from './decisions.service.js';
import { DefinitionsCache } from './definitions-cache.js';
import { DefinitionsRepository } from './definitions.repository.js';
import { FactsRepository } from './facts.repository.js';
import { TrialInputs } from './trial-inputs.js';
import { DecisionVerifier } from './verify-walk.js';
import { VerifyRepository } from './verify.repository.js';
import { VerifyService } from './verify.service.js';
import { WhyRepository } from './why.repository.js';
import { WhyService } from './why.service.js';

@Module({
  imports: [UsersModule],
  controllers: [DecisionsController],
  providers: [
    BatchDecisions,
    DecisionInputs,
    DecisionsService,
    DecisionsRepository,
    DefinitionsCache,
    DefinitionsRepository,
    FactsRepository,
    TrialInputs,
    DecisionVerifier,
    VerifyRepository,
    VerifyService,
    WhyRepository,
    WhyService,
  ],
  exports: [DecisionInputs, DecisionsRepository, DecisionsService, TrialInputs],
})
export class DecisionsModule implements OnModuleInit {
  constructor(
    private readonly hooks: UserHooks,
    private readonly decisions: DecisionsRepository,
  ) {}

  onModuleInit(): void {
    this.hooks.onErase((transaction, { userId }) => this.decisions.eraseUser(transaction, userId));
  }
}
