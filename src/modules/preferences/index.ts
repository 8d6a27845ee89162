export { PreferencesModule } from './preferences.module.js';
export { PreferenceTokens } from './preference-tokens.js';
