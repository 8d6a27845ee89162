import { Global, Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { AccessGuard } from './access.guard.js';
import { ApiKeysController } from './api-keys.controller.js';
import { ApiKeysRepository } from './api-keys.repository.js';
import { ApiKeysService } from './api-keys.service.js';
import { AuditController } from './audit.controller.js';
import { AuditLog } from './audit-log.js';
import { OperatorTokens } from './operator-tokens.js';

/** Who may do what, and the trail of who did. Global, because every module writes the trail. */
@Global()
@Module({
  controllers: [ApiKeysController, AuditController],
  providers: [
    ApiKeysRepository,
    ApiKeysService,
    AuditLog,
    OperatorTokens,
    { provide: APP_GUARD, useClass: AccessGuard },
  ],
  exports: [AuditLog],
})
export class AccessModule {}
