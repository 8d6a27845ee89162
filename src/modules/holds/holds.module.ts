import { Module, type OnModuleInit } from '@nestjs/common';
import { Clock } from '../../platform/clock/clock.js';
import { UserHooks, UsersModule } from '../users/index.js';
import { HoldsController } from './holds.controller.js';
import { HoldsRepository } from './holds.repository.js';
import { HoldsService } from './holds.service.js';

@Module({
  imports: [UsersModule],
  controllers: [HoldsController],
  providers: [Clock, HoldsService, HoldsRepository],
})
export class HoldsModule implements OnModuleInit {
  constructor(
    private readonly hooks: UserHooks,
    private readonly holds: HoldsRepository,
  ) {}

  onModuleInit(): void {
    this.hooks.onErase((transaction, { userId }) => this.holds.eraseUser(transaction, userId));
  }
}
