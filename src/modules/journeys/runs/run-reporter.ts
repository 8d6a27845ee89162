import { Injectable } from '@nestjs/common';
import { isDrawn } from '../../../core/journeys/exposing.js';
import type { RunReport } from '../../../core/journeys/progress.js';
import { SplitsRepository } from '../splits/splits.repository.js';
import { RunsRepository } from './runs.repository.js';

/** Takes what runs tell of themselves into the tables. What is lost here the reconcile job finds. */
@Injectable()
export class RunReporter {
  constructor(
    private readonly runs: RunsRepository,
    private readonly splits: SplitsRepository,
  ) {}

  async report(report: RunReport): Promise<void> {
    const { isArmUnmet } = await this.runs.report(report);
    // Other runs, which are most, cost nothing more.
    if (isArmUnmet || report.moves.some(isDrawn)) await this.splits.note(report.runKey);
  }
}
