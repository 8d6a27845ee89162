import { Client, Connection } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import type { JourneyActivities } from '../../activities/contract.js';
import type { RunReport } from '../../src/core/journeys/progress.js';
import { VirtualTimeClient } from '../../src/platform/temporal/virtual-time.client.js';
import { fromSetup } from './environment.js';

export interface TestWorker {
  /** Starts in real time. */
  readonly client: Client;
  /** Starts in skipped time. */
  readonly virtualClient: Client;
  readonly taskQueue: string;
  stop(): Promise<void>;
}

/**
 * A real worker on the real server, with the bundle of today's sources. Identities are fixed: histories are committed.
 *
 * @param taskQueue one per spec file, because spec files run side by side
 */
export async function startTestWorker(options: {
  readonly taskQueue: string;
  readonly activities: JourneyActivities;
  readonly onReport: (report: RunReport) => void;
}): Promise<TestWorker> {
  const { taskQueue, activities, onReport } = options;
  const address = fromSetup('TEST_TEMPORAL_ADDRESS');
  Runtime.install({ shutdownSignals: [], logger: new DefaultLogger('ERROR') });
  const connection = await Connection.connect({ address });
  const native = await NativeConnection.connect({ address });
  const worker = await Worker.create({
    connection: native,
    identity: 'worker',
    taskQueue,
    workflowBundle: { codePath: fromSetup('TEST_WORKFLOW_BUNDLE') },
    activities,
    sinks: { progress: { report: { fn: (_info, report: RunReport) => onReport(report) } } },
  });
  const running = worker.run();
  return {
    client: new Client({ connection, identity: 'spec' }),
    virtualClient: new VirtualTimeClient({ connection, namespace: 'default', identity: 'spec' }).client,
    taskQueue,
    async stop() {
      worker.shutdown();
      await running;
      await native.close();
      await connection.close();
    },
  };
}
