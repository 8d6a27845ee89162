import { Injectable } from '@nestjs/common';
import { MIGRATE_SIGNAL, type MigrateSignal } from '../../../../workflows/messages.js';
import { DAY_MS, type InstantMs } from '../../../core/kernel/instant.js';
import { OutboxRepository } from '../outbox/outbox.repository.js';
import { RunGateway } from '../runs/run-gateway.js';
import {
  MigrationRunsRepository,
  type Decided,
  type RunningMigration,
  type RunToTell,
} from './migrations-runs.repository.js';

/** Events may lie so far in the future when they come in (see EventsService): they too came before the run listened. */
const AHEAD_MS_MAX = DAY_MS;
/** Calls to Temporal under way at one time. */
const AT_ONCE_MAX = 8;

/** What a round of a migration came to, see the workflow. */
export interface Round {
  readonly kind: 'telling' | 'waiting' | 'over';
}

/** Tells runs that they go on in another version, and records what they decide. */
@Injectable()
export class MigrationMover {
  constructor(
    private readonly runs: MigrationRunsRepository,
    private readonly gateway: RunGateway,
    private readonly outbox: OutboxRepository,
  ) {}

  /**
   * One round: tells up to `runsMax` runs more. A run that is told twice decides once.
   *
   * @param beat called now and then, so that whoever watches sees that it goes on
   */
  async tell(id: string, runsMax: number, beat: () => void): Promise<Round> {
    const migration = await this.runs.running(id);
    if (migration === null) return { kind: 'over' };
    const page = await this.runs.toTell(migration, runsMax);
    let isReached = false;
    for (let at = 0; at < page.length; at += AT_ONCE_MAX) {
      beat();
      const told = await Promise.all(page.slice(at, at + AT_ONCE_MAX).map((run) => this.tellOne(migration, run)));
      isReached ||= told.includes(true);
    }
    if (isReached) return { kind: 'telling' };
    if ((await this.runs.sweep(id)) > 0) return { kind: 'waiting' };
    await this.runs.finish(id);
    return { kind: 'over' };
  }

  /** @returns now, by the database's clock */
  record(decided: Decided): Promise<InstantMs> {
    return this.runs.record(decided);
  }

  /** @returns false for a run that cannot hear yet, or never will */
  private async tellOne(migration: RunningMigration, run: RunToTell): Promise<boolean> {
    const { id, fromVersion: from, plan, steps, offers } = migration;
    const { runKey, userId } = run;
    const now = await this.runs.offer(migration, run);
    if (now === null) return false;
    const isStarting = await this.outbox.isStartPending(runKey);
    const unit = { runKey, userId };
    const argument: MigrateSignal = { id, from, plan, steps, offers, listensFrom: now + AHEAD_MS_MAX, unit };
    const isKnown = await this.gateway.signal(runKey, MIGRATE_SIGNAL, argument);
    if (!isKnown && isStarting) return false;
    await this.runs.note(id, runKey, isKnown ? 'told' : 'failed');
    return true;
  }
}
