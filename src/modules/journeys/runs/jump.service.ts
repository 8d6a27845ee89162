import {
  ConflictException,
  Injectable,
  NotFoundException,
  ServiceUnavailableException,
  UnprocessableEntityException,
} from '@nestjs/common';
import { JUMP_UPDATE, type JumpUpdate } from '../../../../workflows/messages.js';
import { actionsOf } from '../../../core/journeys/migrating-repeats.js';
import type { Plan } from '../../../core/journeys/plan.js';
import { Database } from '../../../platform/database/database.js';
import { AuditLog } from '../../access/index.js';
import { MigrationsRepository } from '../migrations/migrations.repository.js';
import type { JumpRequest } from './jump.dto.js';
import { RunGateway } from './run-gateway.js';

interface JumpingRun {
  readonly runKey: string;
  readonly version: number;
  readonly hasEnded: boolean;
  readonly plan: Plan;
}

/** Takes runs from where they wait to another step. */
@Injectable()
export class JumpService {
  constructor(
    private readonly database: Database,
    private readonly gateway: RunGateway,
    private readonly migrations: MigrationsRepository,
    private readonly audit: AuditLog,
  ) {}

  /**
   * The run itself decides: it alone knows what it has passed and what it is busy with. What was asked, and a refusal,
   * are in the audit log.
   *
   * @throws NotFoundException; ConflictException RUN_ENDED, COMMAND_REFUSED with the run's reason;
   *   UnprocessableEntityException STEP_UNKNOWN; ServiceUnavailableException when no worker answers
   */
  async jump(id: string, request: JumpRequest, principal: string): Promise<void> {
    const run = await this.get(id);
    const { step, reason, allow_repeat: isRepeatAllowed } = request;
    if (!Object.hasOwn(run.plan.steps, step)) {
      const errors = [{ path: 'step', message: `version ${run.version} has no step "${step}"` }];
      throw new UnprocessableEntityException({ code: 'STEP_UNKNOWN', detail: 'there is no such step', errors });
    }
    const write = (action: string, detail: object): Promise<void> =>
      this.database.transaction((transaction) =>
        this.audit.write(transaction, { principal, action, subject: run.runKey, detail: { step, ...detail } }),
      );
    await write('run.jump', { reason, allow_repeat: isRepeatAllowed });
    const offers = await this.migrations.offers(actionsOf([run.plan]));
    const argument: JumpUpdate = { step, isRepeatAllowed, offers };
    const outcome = await this.gateway.command(run.runKey, JUMP_UPDATE, argument);
    switch (outcome.kind) {
      case 'done':
        return;
      case 'refused':
        await write('run.jump_refused', { because: outcome.detail });
        throw new ConflictException({ code: 'COMMAND_REFUSED', detail: outcome.detail });
      case 'not_running':
        await write('run.jump_refused', { because: 'not running' });
        throw new ConflictException({ code: 'RUN_NOT_RUNNING', detail: 'the run has not begun yet, or is over' });
      case 'silent': {
        const detail = 'no worker answers: look where the run is before you ask again';
        throw new ServiceUnavailableException({ code: 'WORKER_SILENT', detail });
      }
    }
  }

  private async get(id: string): Promise<JumpingRun> {
    const [run] = await this.database.query<JumpingRun>({
      text: `select entry.run_key as "runKey", entry.version, entry.ended_at is not null as "hasEnded", version.plan
        from journey_runs run
        join journey_entries entry on entry.run_key = run.run_key
        join journey_versions version on version.journey_id = entry.journey_id and version.version = entry.version
        where run.id = $1`,
      values: [id],
    });
    if (run === undefined) throw new NotFoundException({ code: 'RUN_UNKNOWN', detail: 'there is no such run' });
    if (run.hasEnded) throw new ConflictException({ code: 'RUN_ENDED', detail: 'the run has ended' });
    return run;
  }
}
