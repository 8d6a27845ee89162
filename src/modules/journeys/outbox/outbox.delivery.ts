import { Injectable } from '@nestjs/common';
import { COMMAND_SIGNAL, type CommandSignal } from '../../../../workflows/messages.js';
import { endBy } from '../../../core/journeys/listening.js';
import { TriggersService } from '../entry/triggers.service.js';
import { STOP_REASON } from '../life/journey-stops.repository.js';
import { RunGateway } from '../runs/run-gateway.js';
import { RunsRepository, type RunEnd } from '../runs/runs.repository.js';
import { OutboxRepository, type DesiredState, type OutboxMessage, type RunStart } from './outbox.repository.js';

/** What one message of the outbox asks for. Throwing means: try again later. */
@Injectable()
export class OutboxDelivery {
  constructor(
    private readonly outbox: OutboxRepository,
    private readonly runs: RunGateway,
    private readonly projection: RunsRepository,
    private readonly triggers: TriggersService,
  ) {}

  async deliver(message: OutboxMessage): Promise<void> {
    if (message.kind === 'start_run') return this.start(message.runKey);
    if (message.kind === 'enter_journey') return this.triggers.enter(message.id, message.payload);
    // Asked when the message was taken: "nobody knows the run" is final only if its start had been delivered before.
    if (message.isStartPending) throw new Error('the run has not been started yet');
    const isKnown =
      message.kind === 'signal_run'
        ? await this.runs.signal(message.runKey, message.payload.signal, message.payload.argument)
        : await this.command(message.runKey, message.payload.reason);
    if (!isKnown) await this.closeLost(message.runKey);
  }

  private async start(runKey: string): Promise<void> {
    const start = await this.outbox.findStart(runKey);
    if (start === null) return;
    const isOver = start.isExitRequested || start.isExitHeard || start.isJourneyStopped;
    const end = isOver ? await this.endBeforeStart(start) : null;
    if (end === null) await this.runs.start(start);
    else await this.finish(runKey, end);
  }

  /** What ended the run before it could begin, as the run itself would have said it; null: nothing that it would hear. */
  private async endBeforeStart(start: RunStart): Promise<EndWords | null> {
    const { runKey, plan, enteredAt, isExitRequested, isJourneyStopped } = start;
    for (const word of await this.outbox.findWaiting(runKey)) {
      if (word.kind === 'exit') break;
      const end = word.event.occurredAt > enteredAt ? endBy(plan, word.event) : null;
      if (end !== null) return end;
    }
    if (isJourneyStopped) return { outcome: 'exited', reason: STOP_REASON };
    return isExitRequested ? { outcome: 'exited', reason: 'exited_before_start' } : null;
  }

  private async command(runKey: string, reason: string | undefined): Promise<boolean> {
    const state = await this.outbox.findDesiredState(runKey);
    return state === null || this.runs.signal(runKey, COMMAND_SIGNAL, toCommand(state, reason));
  }

  /**
   * A run whose workflow is gone although it never recorded an end was terminated from outside, or lost with its
   * namespace: left open, its place in the journey would be taken for ever. A run that did record its end is left alone.
   */
  private closeLost(runKey: string): Promise<void> {
    return this.finish(runKey, { outcome: 'exited', reason: 'terminated' });
  }

  private finish(runKey: string, { outcome, reason }: EndWords): Promise<void> {
    return this.projection.finish({ runKey, outcome, reason, endedAt: null });
  }
}

type EndWords = Pick<RunEnd, 'outcome' | 'reason'>;

function toCommand(state: DesiredState, reason: string | undefined): CommandSignal {
  switch (state) {
    case 'exited':
      return { kind: 'exit', ...(reason === undefined ? {} : { reason }) };
    case 'paused':
      return { kind: 'pause' };
    case 'running':
      return { kind: 'resume' };
  }
}
