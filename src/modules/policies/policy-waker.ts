import { Injectable } from '@nestjs/common';
import { Rounds } from '../../platform/concurrency/rounds.js';
import { Database, type Transaction } from '../../platform/database/database.js';
import { RunSignals } from '../journeys/index.js';
import { PolicyWakesRepository } from './policy-wakes.repository.js';

const EVERY_MS = 1_000;

/**
 * Wakes runs that wait by rules that have become looser, so many a second, so that not all of them ask at once. Every
 * process runs one; the row of the wake is locked for each step and says when the next one is due, so together they are
 * no faster than one, and a step of a process that died is taken again.
 */
@Injectable()
export class PolicyWaker extends Rounds {
  constructor(
    private readonly database: Database,
    private readonly wakes: PolicyWakesRepository,
    private readonly signals: RunSignals,
  ) {
    super(EVERY_MS, 'waiting runs could not be woken');
  }

  protected async round(): Promise<void> {
    const hasWoken = await this.database.transaction((transaction) => this.step(transaction));
    if (hasWoken) this.signals.kick();
  }

  /** @returns whether a run was woken */
  private async step(transaction: Transaction): Promise<boolean> {
    const wake = await this.wakes.lockDue(transaction);
    if (wake === null) return false;
    const runs = await this.wakes.runsAfter(transaction, wake);
    const runKeys = runs.map(({ runKey }) => runKey);
    await this.signals.wakeRuns(transaction, runKeys, wake.because);
    await this.wakes.advance(transaction, wake.id, runs);
    const isExhausted = runs.length < wake.perSecond;
    if (isExhausted && (wake.isSecondPass || wake.isOvertaken)) await this.wakes.finish(transaction, wake.id);
    else if (isExhausted) await this.wakes.startSecondPass(transaction, wake.id);
    return runs.length > 0;
  }
}
