export { SuppressionsModule } from './suppressions.module.js';
export { SuppressionsService, type HeardSuppression } from './suppressions.service.js';
