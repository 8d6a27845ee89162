export { AccessModule } from './access.module.js';
export { AuditLog } from './audit-log.js';
export { Public, Scopes } from './scopes.decorator.js';
