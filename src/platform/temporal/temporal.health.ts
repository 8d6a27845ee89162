import type { Connection } from '@temporalio/client';

const ANSWER_MS_MAX = 2_000;

/** Whether runs can be started and told things now. */
export class TemporalHealth {
  constructor(
    private readonly connection: Connection,
    private readonly namespace: string,
  ) {}

  /**
   * Asks the server for our namespace.
   *
   * @throws ServiceError or Error when the server does not answer within two seconds or has no such namespace
   */
  async check(): Promise<void> {
    const deadline = Date.now() + ANSWER_MS_MAX;
    await this.connection.withDeadline(deadline, () =>
      this.connection.workflowService.describeNamespace({ namespace: this.namespace }),
    );
  }
}
