import {
  allHandlersFinished,
  condition,
  continueAsNew,
  defineSignal,
  defineUpdate,
  proxyActivities,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { BulkActivities, EnrolPageAnswer } from '../activities/contract.js';
import { ENROL_PAGE_OPTIONS } from './activity-options.js';
import { BULK_COMMAND_SIGNAL, BULK_COMMAND_UPDATE, type BulkCommand, type BulkEnrolmentInput } from './messages.js';

const EVENTS_MAX = 2_000;
const SECOND_MS = 1_000;

const { enrolPage } = proxyActivities<BulkActivities>(ENROL_PAGE_OPTIONS);
const commandUpdate = defineUpdate<void, [BulkCommand]>(BULK_COMMAND_UPDATE);
const commandSignal = defineSignal<[BulkCommand]>(BULK_COMMAND_SIGNAL);

/**
 * Lets many people into a journey, a page at a time, no faster than asked. How far it is, what it counted and what is
 * wanted of it stand in PostgreSQL, and each page is one transaction there: this shell only keeps the pace, survives every
 * crash, and can be started anew at any time.
 */
export async function bulkEnrolmentWorkflow(input: BulkEnrolmentInput): Promise<void> {
  const enrolment = new BulkEnrolment(input);
  await enrolment.live();
}

class BulkEnrolment {
  private page: number;
  private isPaused: boolean;
  private isCancelled = false;
  private commandNumber: number;

  constructor(private readonly input: BulkEnrolmentInput) {
    const { page = 1, isPaused = false, commandNumber = 0 } = input.carried ?? {};
    [this.page, this.isPaused, this.commandNumber] = [page, isPaused, commandNumber];
    setHandler(commandSignal, (command) => this.take(command));
    setHandler(commandUpdate, (command) => this.take(command), {
      validator: ({ number }) => {
        if (this.isCancelled || number <= this.commandNumber) throw new Error('it is so already');
      },
    });
  }

  async live(): Promise<void> {
    for (;;) {
      if (this.isPaused) await condition(() => !this.isPaused || this.isCancelled);
      if (this.isCancelled) return condition(allHandlersFinished);
      if (this.isHistoryLong()) await this.continueAsNew();
      const { page, commandNumber } = this;
      const startedAt = Date.now();
      const summary = `page ${page}`;
      const answer = await enrolPage.executeWithOptions({ summary }, [{ bulkId: this.input.bulkId, page }]);
      if (answer.kind === 'over') return condition(allHandlersFinished);
      // The answer may be older than a command that came meanwhile.
      if (answer.kind === 'paused') this.isPaused ||= this.commandNumber === commandNumber;
      else await this.rest(answer, Date.now() - startedAt);
    }
  }

  private async rest(answer: Extract<EnrolPageAnswer, { kind: 'done' | 'wait' }>, passedMs: number): Promise<void> {
    if (answer.kind === 'done') this.page = answer.page + 1;
    const restMs =
      answer.kind === 'wait' ? answer.waitMs : (answer.users * SECOND_MS) / this.input.perSecond - passedMs;
    if (restMs < 1) return;
    const summary = answer.kind === 'wait' ? 'nobody may enter now' : `no more than ${this.input.perSecond} a second`;
    await condition(() => this.isPaused || this.isCancelled, Math.ceil(restMs), { summary });
  }

  private take({ kind, number }: BulkCommand): void {
    if (number <= this.commandNumber) return;
    this.commandNumber = number;
    switch (kind) {
      case 'pause':
        this.isPaused = true;
        return;
      case 'resume':
        this.isPaused = false;
        return;
      case 'cancel':
        this.isCancelled = true;
    }
  }

  private isHistoryLong(): boolean {
    const { continueAsNewSuggested, historyLength } = workflowInfo();
    return continueAsNewSuggested || historyLength >= (this.input.eventsMax ?? EVENTS_MAX);
  }

  private async continueAsNew(): Promise<never> {
    await condition(allHandlersFinished);
    const { page, isPaused, commandNumber } = this;
    return continueAsNew<typeof bulkEnrolmentWorkflow>({ ...this.input, carried: { page, isPaused, commandNumber } });
  }
}
