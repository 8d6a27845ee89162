import { Inject, Injectable } from '@nestjs/common';
import { attributeAt } from '../../core/audiences/evaluate-condition.js';
import { findMoment } from '../../core/journeys/moment.js';
import type { Moment } from '../../core/journeys/plan.js';
import type { RunClock, RunReference } from '../../core/journeys/run-reference.js';
import type { InstantMs } from '../../core/kernel/instant.js';
import { resolveZones } from '../../core/users/resolve-zones.js';
import { CONFIG } from '../../platform/config/config.module.js';
import type { Config } from '../../platform/config/config.js';
import { attributesOf } from '../decisions/index.js';
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
    const { zones } = resolveZones({
      profileZone: facts.timezone,
      contextZone: facts.contextTimezone,
      phone: facts.phone,
      jurisdiction: facts.jurisdiction,
      workspaceZone: this.config.workspace.timezone,
    });
    const value = moment.kind === 'attribute' ? attributeAt(attributesOf(facts), moment.attribute) : null;
    return findMoment({ moment, value, zones, from });
  }
}
