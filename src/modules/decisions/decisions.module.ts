import { Module, type OnModuleInit } from '@nestjs/common';
import { UserHooks, UsersModule } from '../users/index.js';
import { DecisionsController } from './decisions.controller.js';
import { DecisionsRepository } from './decisions.repository.js';
import { DecisionsService } from './decisions.service.js';
import { FactsRepository } from './facts.repository.js';

@Module({
  imports: [UsersModule],
  controllers: [DecisionsController],
  providers: [DecisionsService, DecisionsRepository, FactsRepository],
  exports: [DecisionsRepository, FactsRepository],
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
