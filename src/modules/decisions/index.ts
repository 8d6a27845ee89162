export { DecisionInputs, type InputQuery, type Material } from './decision-inputs.js';
export { DecisionView } from './decisions.dto.js';
export { DecisionsModule } from './decisions.module.js';
export { DecisionsRepository } from './decisions.repository.js';
export { DecisionsService } from './decisions.service.js';
export type { Definitions } from './definitions.js';
export type { Facts, UserFacts } from './facts.repository.js';
export { placeOf } from './place.js';
export { TrialInputs } from './trial-inputs.js';
