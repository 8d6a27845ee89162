import { Injectable, UnprocessableEntityException } from '@nestjs/common';
import { unreachable } from '../../core/kernel/assert.js';
import type { Queryable } from '../../platform/database/database.js';
import type { PolicyDefinition, PolicyWarning } from './policies.dto.js';

type Kind = 'journey' | 'purpose' | 'tag' | 'group' | 'issue';

/** Something of another feature that a policy names. */
interface Reference {
  readonly kind: Kind;
  readonly name: string;
  /** In the definition. */
  readonly path: string;
}

/** Who would have to have it. */
const HOLDERS: Readonly<Record<Exclude<Kind, 'journey'>, string>> = {
  purpose: 'no message template has the purpose',
  tag: 'no action and no message template has the tag',
  group: 'no action is in the group',
  issue: 'no action has the issue',
};

/** Checks what policies speak of: one that speaks of nothing binds nobody, and nobody would notice. */
@Injectable()
export class PolicyReferences {
  /**
   * A journey must exist. What else a policy names may come later, with a template or an action: there is a warning.
   *
   * @param at where the definition stands in the request, e.g. `definition.`
   * @throws UnprocessableEntityException UNKNOWN_REFERENCE
   */
  async check(queryable: Queryable, definition: PolicyDefinition, at: string): Promise<readonly PolicyWarning[]> {
    const references = referencesIn(definition);
    if (references.length === 0) return [];
    const found = await this.found(queryable, references);
    const missing = references.filter(({ kind, name }) => !found[kind].includes(name));
    const errors = missing.flatMap(({ kind, name, path }) =>
      kind === 'journey' ? [{ path: `${at}${path}`, message: `there is no journey "${name}"` }] : [],
    );
    if (errors.length > 0) {
      const detail = 'the policy names a journey that does not exist';
      throw new UnprocessableEntityException({ code: 'UNKNOWN_REFERENCE', detail, errors });
    }
    return missing.flatMap(({ kind, name, path }) =>
      kind === 'journey' ? [] : [{ path: `${at}${path}`, message: `${HOLDERS[kind]} "${name}"` }],
    );
  }

  private async found(
    queryable: Queryable,
    references: readonly Reference[],
  ): Promise<Readonly<Record<Kind, readonly string[]>>> {
    const names = (kind: Kind): readonly string[] =>
      references.filter((reference) => reference.kind === kind).map(({ name }) => name);
    const [found] = await queryable.query<Record<Kind, readonly string[]>>({
      text: `with heads as (select distinct on (key) purpose, tags from message_templates order by key, version desc),
          tagged as (select tags from heads union all select tags from actions)
        select array(select key from journeys where key = any($1)) as journey,
          array(select purpose from heads where purpose = any($2)) as purpose,
          array(select tag from tagged, unnest(tags) as tag where tag = any($3)) as tag,
          array(select action_group from actions where action_group = any($4)) as "group",
          array(select issue from actions where issue = any($5)) as issue`,
      values: [names('journey'), names('purpose'), names('tag'), names('group'), names('issue')],
    });
    if (found === undefined) throw new Error('what policies name was not looked up');
    return found;
  }
}

function referencesIn(definition: PolicyDefinition): readonly Reference[] {
  switch (definition.kind) {
    case 'cap':
      return [...scopeOf(definition), ...purposesOf(definition)];
    case 'quiet_hours':
    case 'legal_overlay':
    case 'pause':
    case 'holdout':
      return purposesOf(definition);
    case 'lever':
      return [{ kind: definition.target, name: definition.name, path: 'name' }];
    case 'fatigue':
    case 'arbitration':
      return [];
    default:
      return unreachable(definition);
  }
}

function scopeOf({ scope }: Extract<PolicyDefinition, { kind: 'cap' }>): readonly Reference[] {
  switch (scope.kind) {
    case 'global':
    case 'channel':
      return [];
    case 'journey':
      return [{ kind: 'journey', name: scope.journey, path: 'scope.journey' }];
    case 'tag':
      return [{ kind: 'tag', name: scope.tag, path: 'scope.tag' }];
    case 'group':
      return [{ kind: 'group', name: scope.group, path: 'scope.group' }];
    default:
      return unreachable(scope);
  }
}

function purposesOf({ purposes }: { readonly purposes: readonly string[] | null }): readonly Reference[] {
  return (purposes ?? []).map((name, index) => ({ kind: 'purpose', name, path: `purposes[${index}]` }));
}
