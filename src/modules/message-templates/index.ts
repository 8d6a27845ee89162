export { RenderError } from './liquid.js';
export { MessageTemplatesModule } from './message-templates.module.js';
export { MessageTemplatesService } from './message-templates.service.js';
export type { TemplateUse } from './message-templates.repository.js';
