import { Module } from '@nestjs/common';
import { UsersModule } from '../users/index.js';
import { SuppressionImports } from './suppression-imports.service.js';
import { SuppressionExports } from './suppression-exports.service.js';
import { SuppressionsController } from './suppressions.controller.js';
import { SuppressionsRepository } from './suppressions.repository.js';
import { SuppressionsService } from './suppressions.service.js';

@Module({
  imports: [UsersModule],
  controllers: [SuppressionsController],
  providers: [SuppressionExports, SuppressionImports, SuppressionsRepository, SuppressionsService],
  exports: [SuppressionsService],
})
export class SuppressionsModule {}
