import { Module } from '@nestjs/common';
import { UsersModule } from '../users/index.js';
import { AudienceMembers } from './audience-members.repository.js';
import { AudienceRounds } from './audience-rounds.js';
import { AudienceSecrets } from './audience-secrets.js';
import { AudienceSyncsController } from './audience-syncs.controller.js';
import { AudienceSyncsRepository } from './audience-syncs.repository.js';
import { AudienceSyncsService } from './audience-syncs.service.js';

/** Audiences of advertising platforms. */
@Module({
  imports: [UsersModule],
  controllers: [AudienceSyncsController],
  providers: [AudienceMembers, AudienceRounds, AudienceSecrets, AudienceSyncsRepository, AudienceSyncsService],
})
export class AudienceSyncsModule {}
