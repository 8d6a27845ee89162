export { PoliciesModule } from './policies.module.js';
export { toRules } from './to-rules.js';
