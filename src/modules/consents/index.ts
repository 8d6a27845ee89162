export type { Said, Statement } from './consents.ledger.js';
export { ConsentsModule } from './consents.module.js';
export { ConsentsService } from './consents.service.js';
export { KeywordsService, REVIEW_SOURCE } from './keywords.service.js';
export { OptOuts } from './opt-outs.service.js';
