import { Injectable } from '@nestjs/common';
import { Database } from '../../platform/database/database.js';
import { AuditLog } from '../access/index.js';
import type { ControlsView } from './controls.dto.js';
import { ControlsRepository, type ControlsRow } from './controls.repository.js';

/** Switches that hold for everything. */
@Injectable()
export class ControlsService {
  constructor(
    private readonly database: Database,
    private readonly controls: ControlsRepository,
    private readonly audit: AuditLog,
  ) {}

  async read(): Promise<ControlsView> {
    return toControlsView(await this.controls.read());
  }

  /** Stops or allows all sending, from the next claim on. */
  async setKillSwitch(isOn: boolean, principal: string): Promise<ControlsView> {
    const row = await this.database.transaction(async (transaction) => {
      const changed = await this.controls.setKillSwitch(transaction, isOn, principal);
      if (changed === null) return this.controls.read(transaction);
      const action = isOn ? 'kill_switch.on' : 'kill_switch.off';
      await this.audit.write(transaction, { principal, action, subject: 'controls' });
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
