export { AudienceSyncsModule } from './audience-syncs.module.js';
