import { Inject, Injectable } from '@nestjs/common';
import type { DecisionInput } from '../../core/decisions/types.js';
import type { InstantMs } from '../../core/kernel/instant.js';
import { CONFIG } from '../../platform/config/config.module.js';
import type { Config } from '../../platform/config/config.js';
import { Database } from '../../platform/database/database.js';
import { toDecisionInput, type Question } from './decision-input.js';
import { toDefinitions, type Definitions } from './definitions.js';
import { DefinitionsRepository } from './definitions.repository.js';
import { FactsRepository, type Facts } from './facts.repository.js';

/** What decisions rest on that are only thought of: reads, and stores nothing, not even the definitions. */
@Injectable()
export class TrialInputs {
  constructor(
    private readonly database: Database,
    private readonly stored: FactsRepository,
    private readonly repository: DefinitionsRepository,
    @Inject(CONFIG) private readonly config: Pick<Config, 'workspace'>,
  ) {}

  /** Policies, actions and templates as they are now. */
  async definitions(): Promise<Definitions> {
    return toDefinitions(await this.repository.load(this.database));
  }

  /** Facts of these people in one statement, in their order; contacts and outcomes as far back from `now` as matters. */
  facts(
    userIds: readonly string[],
    asked: { readonly clockDomain: string; readonly now: InstantMs; readonly definitions: Definitions },
  ): Promise<readonly Facts[]> {
    const { clockDomain, now, definitions } = asked;
    const users = userIds.map((id) => ({ kind: 'id', id }) as const);
    const query = { run: null, clockDomain, now, horizons: definitions.horizons };
    return this.stored.loadMany(this.database, users, query);
  }

  /** The very input that a decision of production would rest on with these facts. */
  toInput(facts: Facts, definitions: Definitions, question: Question): DecisionInput {
    const workspaceZone = this.config.workspace.timezone;
    return toDecisionInput({ facts, definitions, question, workspaceZone });
  }
}
