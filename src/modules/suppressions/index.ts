export { SuppressionsModule } from './suppressions.module.js';
