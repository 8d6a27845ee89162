import { Injectable } from '@nestjs/common';
import type { InstantMs } from '../../core/kernel/instant.js';
import { Database, type Queryable, type Transaction } from '../../platform/database/database.js';

export interface ControlsRow {
  readonly isKillSwitchOn: boolean;
  readonly version: number;
  readonly changedAt: InstantMs;
  readonly changedBy: string | null;
}

const ROW = `is_kill_switch_on as "isKillSwitchOn", version, changed_at as "changedAt", changed_by as "changedBy"`;

/** The only writer of controls, a table of one row. */
@Injectable()
export class ControlsRepository {
  constructor(private readonly database: Database) {}

  async read(queryable: Queryable = this.database): Promise<ControlsRow> {
    return only(await queryable.query<ControlsRow>({ text: `select ${ROW} from controls` }));
  }

  /** The version grows with each real change. */
  async setKillSwitch(transaction: Transaction, isOn: boolean, principal: string): Promise<ControlsRow | null> {
    const [row] = await transaction.query<ControlsRow>({
      text: `update controls set is_kill_switch_on = $1, version = version + 1, changed_at = clock_timestamp(),
          changed_by = $2
        where is_kill_switch_on <> $1 returning ${ROW}`,
      values: [isOn, principal],
    });
    return row ?? null;
  }
}

function only(rows: readonly ControlsRow[]): ControlsRow {
  const [row] = rows;
  if (row === undefined) throw new Error('the row of controls is gone');
  return row;
}
