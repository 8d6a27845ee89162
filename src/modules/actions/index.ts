export { ActionsModule } from './actions.module.js';
export { attributeTests, ConditionDto, scalar } from './condition.dto.js';
export { ActionsService } from './actions.service.js';
