export { LegalOverlays } from './legal-overlays.js';
export { PoliciesModule } from './policies.module.js';
export { PolicyWakesRepository } from './policy-wakes.repository.js';
export type { Levers, Rules } from './rules.js';
export { toRules } from './to-rules.js';
