import { Inject, Injectable } from '@nestjs/common';
import type { Moment } from '../../core/journeys/plan.js';
import type { RunClock, RunReference } from '../../core/journeys/run-reference.js';
import type { InstantMs } from '../../core/kernel/instant.js';
import { CONFIG } from '../../platform/config/config.module.js';
import type { Config } from '../../platform/config/config.js';
import { momentFor } from './run-answers.js';
import { askerOf } from './run-asker.js';
import { RunQuestionsRepository } from './run-questions.repository.js';

/** Until when a run is to wait, by its user's own clock and profile. Reads only. */
@Injectable()
export class Moments {
  constructor(
    private readonly repository: RunQuestionsRepository,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /**
   * The instant of a moment, possibly past, see `findMoment`; null when the user has no such date or is gone.
   *
   * @param ask.from when the run came to the step
   */
  async find(ask: {
    readonly run: RunReference;
    readonly moment: Moment;
    readonly from: InstantMs;
    readonly clock: RunClock;
  }): Promise<InstantMs | null> {
    const { moment, from } = ask;
    const facts = await this.repository.facts(askerOf(ask));
    if (facts === null) return null;
    return momentFor(facts, { moment, from, workspaceZone: this.config.workspace.timezone });
  }
}
