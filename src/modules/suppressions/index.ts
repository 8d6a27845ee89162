export { SuppressionsModule } from './suppressions.module.js';
export type { PersonSuppressions, PersonalSuppression } from './suppressions-of-person.js';
export { SuppressionsService } from './suppressions.service.js';
