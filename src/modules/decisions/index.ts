export { attributesOf, toDecisionInput } from './decision-input.js';
export { DecisionsModule } from './decisions.module.js';
export { DecisionsRepository } from './decisions.repository.js';
export { FactsRepository, type Facts, type FactsQuery, type UserFacts } from './facts.repository.js';
