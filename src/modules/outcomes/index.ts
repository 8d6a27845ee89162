export { OutcomesModule } from './outcomes.module.js';
export { OutcomesService, type HeardOutcome } from './outcomes.service.js';
