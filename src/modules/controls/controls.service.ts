import { Inject, Injectable } from '@nestjs/common';
import { CONFIG } from '../../platform/config/config.module.js';
import type { Config } from '../../platform/config/config.js';
import { Database } from '../../platform/database/database.js';
import { AuditLog } from '../access/index.js';
import { PolicyWakesRepository } from '../policies/index.js';
import type { ControlsView } from './controls.dto.js';
import { ControlsRepository, type ControlsRow } from './controls.repository.js';

/** Under which name the runs that are woken show in the list of wakes. */
const WAKE = { policyKey: 'kill_switch', because: 'sending_switched_on' } as const;

/** Switches that hold for everything. */
@Injectable()
export class ControlsService {
  constructor(
    private readonly database: Database,
    private readonly controls: ControlsRepository,
    private readonly audit: AuditLog,
    private readonly wakes: PolicyWakesRepository,
    @Inject(CONFIG) private readonly config: Pick<Config, 'policies'>,
  ) {}

  async read(): Promise<ControlsView> {
    return toControlsView(await this.controls.read());
  }

  /**
   * Stops or allows all sending, from the next claim on. Runs that came to wait meanwhile ask again by themselves every
   * quarter of an hour; when sending is allowed they are woken before that, so many a second.
   */
  async setKillSwitch(isOn: boolean, principal: string): Promise<ControlsView> {
    const row = await this.database.transaction(async (transaction) => {
      const changed = await this.controls.setKillSwitch(transaction, isOn, principal);
      if (changed === null) return this.controls.read(transaction);
      const action = isOn ? 'kill_switch.on' : 'kill_switch.off';
      await this.audit.write(transaction, { principal, action, subject: 'controls' });
      if (!isOn) await this.wakes.start(transaction, { ...WAKE, perSecond: this.config.policies.wakesPerSecond });
      return changed;
    });
    return toControlsView(row);
  }
}

const toControlsView = (row: ControlsRow): ControlsView => ({
  kill_switch: row.isKillSwitchOn,
  version: row.version,
  changed_at: new Date(row.changedAt).toISOString(),
  changed_by: row.changedBy,
});
