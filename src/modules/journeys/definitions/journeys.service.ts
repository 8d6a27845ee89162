import { createHash } from 'node:crypto';
import {
  BadRequestException,
  ConflictException,
  Injectable,
  NotFoundException,
  UnprocessableEntityException,
} from '@nestjs/common';
import { compile } from '../../../core/journeys/compile.js';
import type { Plan } from '../../../core/journeys/plan.js';
import { canonicalJson } from '../../../core/kernel/canonical-json.js';
import { Database, violatedUnique } from '../../../platform/database/database.js';
import { toPage, type Page, type PageRequest } from '../../../platform/http/paging.js';
import { AuditLog } from '../../access/index.js';
import { ActionsService } from '../../actions/index.js';
import { MessageTemplatesService } from '../../message-templates/index.js';
import { WebhookEndpointsService } from '../../webhook-endpoints/index.js';
import { TriggersRepository } from '../entry/triggers.repository.js';
import { JourneyGatesRepository } from '../life/journey-gates.repository.js';
import { JourneyLife } from '../life/journey-life.service.js';
import type { JourneyDefinitionDto, JourneyVersionView, JourneyView } from './journeys.dto.js';
import { toJourneyView, toVersionView } from './journeys.mapper.js';
import { JourneysRepository, type JourneyRow } from './journeys.repository.js';
import { namedThings, otherChannel, otherUses, unknownThing, type NamedThing } from './references.js';

/** Journey definitions: drafts that change, and published versions that never do. */
@Injectable()
export class JourneysService {
  constructor(
    private readonly database: Database,
    private readonly journeys: JourneysRepository,
    private readonly templates: MessageTemplatesService,
    private readonly actions: ActionsService,
    private readonly endpoints: WebhookEndpointsService,
    private readonly audit: AuditLog,
    private readonly gates: JourneyGatesRepository,
    private readonly life: JourneyLife,
    private readonly triggers: TriggersRepository,
  ) {}

  /**
   * Stores a new draft.
   *
   * @throws BadRequestException with the path of each fault in the graph of steps
   * @throws ConflictException JOURNEY_KEY_TAKEN
   */
  async create(definition: JourneyDefinitionDto, principal: string): Promise<JourneyView> {
    compileOrRefuse(definition, 1);
    try {
      return await this.database.transaction(async (transaction) => {
        const { key, name } = definition;
        const journey = await this.journeys.insert(transaction, { key, name, definition });
        await this.audit.write(transaction, { principal, action: 'journey.create', subject: key });
        return toJourneyView(journey);
      });
    } catch (error) {
      if (violatedUnique(error) === null) throw error;
      throw new ConflictException({ code: 'JOURNEY_KEY_TAKEN', detail: 'a journey with this key exists' });
    }
  }

  /** Replaces the draft. Runs go on in the version that they entered. */
  async replace(idOrKey: string, definition: JourneyDefinitionDto, principal: string): Promise<JourneyView> {
    compileOrRefuse(definition, 1);
    const journey = await this.get(idOrKey);
    if (journey.key !== definition.key) {
      throw new ConflictException({ code: 'JOURNEY_KEY_FIXED', detail: 'the key of a journey cannot change' });
    }
    return this.database.transaction(async (transaction) => {
      const updated = await this.journeys.update(transaction, journey.id, { name: definition.name, definition });
      if (updated === null) throw unknownJourney();
      await this.audit.write(transaction, { principal, action: 'journey.replace', subject: journey.key });
      return toJourneyView(updated);
    });
  }

  /** Newest first: those that are archived, or the others. */
  async list(filter: { readonly isArchived: boolean }, page: PageRequest): Promise<Page<JourneyView>> {
    const rows = await this.journeys.list(filter, { ...page, limit: page.limit + 1 });
    return toPage(rows, page, ({ id }) => id, toJourneyView);
  }

  async versions(idOrKey: string): Promise<readonly JourneyVersionView[]> {
    const journey = await this.get(idOrKey);
    return (await this.journeys.versions(journey.id)).map(toVersionView);
  }

  /**
   * Freezes the draft as the version that new runs enter. Publishing the same content again gives the same version. A
   * paused journey stays paused.
   *
   * @throws ConflictException DRAFT_CHANGED, JOURNEY_DRAINING, JOURNEY_STOPPED, JOURNEY_ARCHIVED
   * @throws UnprocessableEntityException when a step names a template, an action, a journey or an endpoint that does not exist
   */
  async publish(idOrKey: string, principal: string): Promise<JourneyVersionView> {
    const { id, definition: draft } = await this.get(idOrKey);
    await this.refuseUnknownReferences(draft as JourneyDefinitionDto);
    return this.database.transaction(async (transaction) => {
      const journey = await this.journeys.find(id, transaction, 'for update');
      if (journey === null) throw unknownJourney();
      const definition = journey.definition as JourneyDefinitionDto;
      if (canonicalJson(definition) !== canonicalJson(draft)) {
        const detail = 'the draft was changed at the same time: look at it, then publish again';
        throw new ConflictException({ code: 'DRAFT_CHANGED', detail });
      }
      await this.life.moveLocked(transaction, journey, 'publish', { principal, reason: null });
      const plan = compileOrRefuse(definition, (journey.currentVersion ?? 0) + 1);
      const current =
        journey.currentVersion === null
          ? null
          : await this.journeys.version(transaction, journey.id, journey.currentVersion);
      if (current?.contentHash === plan.contentHash) return toVersionView(current);
      const detail = { version: plan.version, content_hash: plan.contentHash };
      await this.audit.write(transaction, { principal, action: 'journey.publish', subject: journey.key, detail });
      const version = await this.journeys.publish(transaction, { journeyId: journey.id, definition, plan });
      await this.triggers.keep(transaction, journey.id, definition.triggers ?? []);
      await this.gates.limit(transaction, journey.id, definition.entry.limits ?? null);
      return toVersionView(version);
    });
  }

  private async get(idOrKey: string): Promise<JourneyRow> {
    const journey = await this.journeys.find(idOrKey);
    if (journey === null) throw unknownJourney();
    return journey;
  }

  private async refuseUnknownReferences(definition: JourneyDefinitionDto): Promise<void> {
    const named = namedThings(definition);
    const keysOf = (kind: NamedThing['kind']): readonly string[] =>
      named.flatMap((thing) => (thing.kind === kind ? [thing.key] : []));
    const uses = await this.templates.uses(keysOf('template'));
    const existing = {
      template: uses,
      action: await this.actions.existing(keysOf('action')),
      journey: await this.journeys.existing(keysOf('journey')),
      endpoint: await this.endpoints.existing(keysOf('endpoint')),
    };
    const errors = [
      ...named.filter(({ kind, key }) => !existing[kind].has(key)).map(unknownThing),
      ...named.flatMap((thing) => otherChannel(thing, uses)),
      ...otherUses(definition, uses),
    ];
    if (errors.length > 0) {
      const detail = 'the journey names things that do not exist, or templates that are for something else';
      throw new UnprocessableEntityException({ code: 'UNKNOWN_REFERENCE', detail, errors });
    }
  }
}

const unknownJourney = (): NotFoundException =>
  new NotFoundException({ code: 'JOURNEY_UNKNOWN', detail: 'there is no such journey' });

function compileOrRefuse(definition: JourneyDefinitionDto, version: number): Plan {
  const contentHash = createHash('sha256').update(canonicalJson(definition)).digest('hex');
  const compiled = compile(definition, { version, contentHash });
  if (compiled.kind === 'plan') return compiled.plan;
  const detail = 'the steps do not form a journey';
  throw new BadRequestException({ code: 'JOURNEY_INVALID', detail, errors: compiled.faults });
}
