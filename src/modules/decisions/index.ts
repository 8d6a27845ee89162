export { attributesOf } from './attributes.js';
export { DecisionInputs, type InputQuery, type Material } from './decision-inputs.js';
export { DecisionsModule } from './decisions.module.js';
export { DecisionsRepository } from './decisions.repository.js';
export type { Definitions } from './definitions.js';
export type { Facts, ProfileFacts, UserFacts } from './facts.repository.js';
export { placeOf } from './place.js';
export { TrialInputs } from './trial-inputs.js';
