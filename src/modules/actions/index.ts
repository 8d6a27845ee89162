export { ActionsModule } from './actions.module.js';
export { attributeTests, ConditionDto } from './condition.dto.js';
export { ActionsService } from './actions.service.js';
