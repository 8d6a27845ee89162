import { Inject, Injectable } from '@nestjs/common';
import type { DecisionInput } from '../../core/decisions/types.js';
import type { InstantMs } from '../../core/kernel/instant.js';
import { CONFIG } from '../../platform/config/config.module.js';
import type { Config } from '../../platform/config/config.js';
import type { Queryable } from '../../platform/database/database.js';
import type { UserReference } from '../users/index.js';
import { DefinitionsCache } from './definitions-cache.js';
import type { Definitions } from './definitions.js';
import { toDecisionInput, type Question } from './decision-input.js';
import { FactsRepository, type Facts, type FactsQuery } from './facts.repository.js';
import { areAlike } from './horizons.js';

/** What a decision rests on, with the facts and definitions that it was made of. */
export interface Material {
  readonly facts: Facts;
  readonly definitions: Definitions;
  readonly input: DecisionInput;
}

/** The question of a decision, before the person is looked up. */
export interface InputQuery extends Omit<Question, 'userId'> {
  readonly user: UserReference;
  /** Null where no run asks. */
  readonly run: FactsQuery['run'];
  /** Virtual runs bring their own time; null lets the database's clock decide. */
  readonly now: InstantMs | null;
}

/** How often definitions may change while one decision reads them. */
const READS_MAX = 5;

/** Reads what a decision rests on. */
@Injectable()
export class DecisionInputs {
  constructor(
    private readonly facts: FactsRepository,
    private readonly definitions: DefinitionsCache,
    @Inject(CONFIG) private readonly config: Pick<Config, 'workspace'>,
  ) {}

  /**
   * Facts and definitions of one instant. The definitions are never older than the snapshot of the facts: its version is
   * read in the same statement, and when another one is held, they are loaded anew afterwards. Under the user's lock
   * (`queryable` is its transaction) that makes a policy which was committed before the lock bind this decision.
   *
   * @returns facts whose `user` may be null: then there is no such person
   */
  async read(queryable: Queryable, query: InputQuery): Promise<Material> {
    const { user, run, clockDomain, now } = query;
    let definitions = await this.definitions.held(queryable);
    for (let reads = 0; reads < READS_MAX; reads += 1) {
      const { horizons } = definitions;
      const facts = await this.facts.load(queryable, { user, run, clockDomain, now, horizons });
      if (facts.definitionsVersion !== definitions.version) definitions = await this.definitions.reload(queryable);
      if (!areAlike(horizons, definitions.horizons)) continue;
      const question = { ...query, userId: facts.user?.id ?? (user.kind === 'id' ? user.id : '') };
      const workspaceZone = this.config.workspace.timezone;
      return { facts, definitions, input: toDecisionInput({ facts, definitions, question, workspaceZone }) };
    }
    throw new Error('the definitions kept changing while a decision was made');
  }
}
