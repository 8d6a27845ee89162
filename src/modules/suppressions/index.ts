export { SuppressionsModule } from './suppressions.module.js';
export { SuppressionsService } from './suppressions.service.js';
