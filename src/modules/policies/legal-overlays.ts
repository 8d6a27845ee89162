import { Injectable } from '@nestjs/common';
import { Database } from '../../platform/database/database.js';
import { AuditLog } from '../access/index.js';
import { LEGAL_OVERLAYS } from './legal-overlays.data.js';
import { PoliciesRepository } from './policies.repository.js';
import { PolicyDefinition } from './policies.dto.js';

/** Who put them in force, for the audit log. */
const PRINCIPAL = 'system';

/** The laws that Tactful knows of from the start: ordinary policies, which operators may change and lift. */
@Injectable()
export class LegalOverlays {
  constructor(
    private readonly database: Database,
    private readonly policies: PoliciesRepository,
    private readonly audit: AuditLog,
  ) {}

  /**
   * Puts each law in force under whose key there never was a policy. So an operator who lifts or changes one does not see
   * it come back, and a law that a later release brings is added. Call it at every start, before anything is served.
   */
  async install(): Promise<void> {
    await this.database.transaction(async (transaction) => {
      // In one order, as every process takes them, so that none waits for another that waits for it.
      const keys = LEGAL_OVERLAYS.map(({ key }) => key).sort();
      for (const key of keys) await this.policies.lockKey(transaction, key);
      const existing = await this.policies.existing(transaction, keys);
      for (const { key, definition: data } of LEGAL_OVERLAYS.filter((overlay) => !existing.has(overlay.key))) {
        const definition = PolicyDefinition.parse(data);
        await this.policies.insert(transaction, { key, version: 1, definition });
        const detail = { version: 1, definition };
        await this.audit.write(transaction, { principal: PRINCIPAL, action: 'policy.write', subject: key, detail });
      }
    });
  }
}
