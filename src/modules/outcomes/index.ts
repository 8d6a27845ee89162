export { HEARD_KINDS } from './outcomes.dto.js';
export { OutcomesModule } from './outcomes.module.js';
export type { HeardKind } from './outcomes.repository.js';
export { OutcomesService } from './outcomes.service.js';
