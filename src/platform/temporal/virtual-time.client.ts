import { Client } from '@temporalio/client';
import type { Connection } from '@temporalio/client';
import type { DataConverter } from '@temporalio/common';

/** More than a run can wait: it visits 1,000 steps at most, and each may be put off. The server's default is 200. */
const SKIPS_MAX = 50_000;

type StartCall = (
  ...call: Parameters<Connection['workflowService']['startWorkflowExecution']>
) => ReturnType<Connection['workflowService']['startWorkflowExecution']>;

/**
 * Starts workflows whose waits the server skips. Each start asks for it by itself (temporal.api.common.v1
 * TimeSkippingConfig), which no option of the SDK offers yet; the server must run with
 * `frontend.WorkflowTimeSkippingEnabled`. Shares the connection of the ordinary client.
 */
export class VirtualTimeClient {
  readonly client: Client;

  constructor(options: {
    readonly connection: Connection;
    readonly namespace: string;
    readonly identity?: string;
    readonly dataConverter?: DataConverter;
  }) {
    const { connection, ...others } = options;
    this.client = new Client({ connection: skippingTime(connection), ...others });
  }
}

function skippingTime(connection: Connection): Connection {
  const { workflowService } = connection;
  const startWorkflowExecution: StartCall = (request) =>
    workflowService.startWorkflowExecution({
      ...request,
      timeSkippingConfig: { enabled: true, maxSessionSkipCount: SKIPS_MAX },
    });
  const value: unknown = Object.create(workflowService, { startWorkflowExecution: { value: startWorkflowExecution } });
  return Object.create(connection, { workflowService: { value } }) as Connection;
}
