export { AccessModule } from './access.module.js';
export { AuditLog, type AuditEntry } from './audit-log.js';
export { Public, Scopes } from './scopes.decorator.js';
