import { Module } from '@nestjs/common';
import { UsersModule } from '../users/index.js';
import { SuppressionsController } from './suppressions.controller.js';
import { SuppressionsRepository } from './suppressions.repository.js';
import { SuppressionsService } from './suppressions.service.js';

@Module({
  imports: [UsersModule],
  controllers: [SuppressionsController],
  providers: [SuppressionsService, SuppressionsRepository],
})
export class SuppressionsModule {}
