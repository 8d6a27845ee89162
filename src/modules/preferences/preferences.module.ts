import { Module } from '@nestjs/common';
import { ConsentsModule } from '../consents/index.js';
import { SuppressionsModule } from '../suppressions/index.js';
import { UsersModule } from '../users/index.js';
import { PreferenceLinksController } from './preference-links.controller.js';
import { PreferenceTokens } from './preference-tokens.js';
import { PreferencesController } from './preferences.controller.js';
import { PreferencesRepository } from './preferences.repository.js';
import { PreferencesService } from './preferences.service.js';

@Module({
  imports: [ConsentsModule, SuppressionsModule, UsersModule],
  controllers: [PreferencesController, PreferenceLinksController],
  providers: [PreferencesRepository, PreferencesService, PreferenceTokens],
  exports: [PreferenceTokens],
})
export class PreferencesModule {}
