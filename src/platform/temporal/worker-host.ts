import { Injectable, Logger, type BeforeApplicationShutdown } from '@nestjs/common';
import type { PayloadCodec } from '@temporalio/common';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import type { InjectedSinks, LogEntry, WorkerOptions } from '@temporalio/worker';
import type { Sinks } from '@temporalio/workflow';

/** Polls open by need; 2 cores are busy long before so many. */
const POLLERS_MAX = 40;
/** As many steps as one process decides and sends at the same time. */
const ACTIVITIES_MAX_DEFAULT = 40;
/**
 * Longer than an attempt of `runStep` may take (30 s; the connector's own time-outs add up to 25 s): a message on its
 * way is settled before the process ends.
 */
const SHUTDOWN_GRACE_MS = 35_000;
/**
 * Then what still runs is given up; its lease decides what became of it. Whoever supervises the process must give it
 * at least this long between the signal to end and the kill.
 */
const SHUTDOWN_FORCE_MS = 50_000;

export interface WorkerHostOptions {
  readonly address: string;
  readonly namespace: string;
  readonly taskQueue: string;
  /** The hot set: runs beyond it are replayed from their history when they wake. */
  readonly cachedWorkflowsMax: number;
  /** Each holds a connection of the database for a part of its time. Left out: 40. */
  readonly maxConcurrentActivityTaskExecutions?: number;
  readonly workflows: Pick<WorkerOptions, 'workflowsPath'> | Pick<WorkerOptions, 'workflowBundle'>;
  readonly activities: object;
  /** What workflows may call without a trace in their history. */
  readonly sinks?: InjectedSinks<Sinks>;
  /** What seals payloads; left out: nothing does. */
  readonly payloadCodecs?: PayloadCodec[];
  /** Shown in histories; left out: process id and host name. */
  readonly identity?: string;
  /** Names the code, so that an operator sees which worker took a task; left out: a checksum of the workflow bundle. */
  readonly buildId?: string;
  /** What the SDK tells at least; it tells it through Nest's logger. Left out: WARN. */
  readonly logLevel?: 'DEBUG' | 'INFO' | 'WARN' | 'ERROR';
}

/** Ties one Temporal worker to Nest's life cycle: it drains before Nest closes the database. */
@Injectable()
export class WorkerHost implements BeforeApplicationShutdown {
  private worker: Worker | undefined;
  private finished: Promise<void> = Promise.resolve();

  get isRunning(): boolean {
    return this.worker?.getState() === 'RUNNING';
  }

  /** Resolves once the worker has drained; rejects if it cannot connect or fails. */
  async run(options: WorkerHostOptions): Promise<void> {
    // Before anything else of the SDK. Nest owns the signals: with its own handlers the SDK would stop the worker too.
    Runtime.install({ shutdownSignals: [], logger: sdkLogger(options) });
    const connection = await NativeConnection.connect({ address: options.address });
    try {
      this.worker = await Worker.create(workerOptions(connection, options));
      this.finished = this.worker.run();
      await this.finished;
    } finally {
      await connection.close();
    }
  }

  async beforeApplicationShutdown(): Promise<void> {
    if (this.isRunning) this.worker?.shutdown();
    // Whoever called `run` reports a failure; here it must not keep Nest from closing the rest.
    await this.finished.catch(() => undefined);
  }
}

/** Not the SDK's own: that one writes errors as they are, with all they carry. */
function sdkLogger({ logLevel }: WorkerHostOptions): DefaultLogger {
  const logger = new Logger('Temporal');
  return new DefaultLogger(logLevel ?? 'WARN', ({ level, message, meta = {} }: LogEntry) => {
    switch (level) {
      case 'TRACE':
      case 'DEBUG':
        return logger.debug(message, meta);
      case 'INFO':
        return logger.log(message, meta);
      case 'WARN':
        return logger.warn(message, meta);
      case 'ERROR':
        return logger.error(message, meta);
    }
  });
}

function workerOptions(connection: NativeConnection, options: WorkerHostOptions): WorkerOptions {
  const { namespace, taskQueue, activities, sinks, identity, buildId, payloadCodecs } = options;
  return {
    connection,
    namespace,
    taskQueue,
    activities,
    ...options.workflows,
    ...(sinks === undefined ? {} : { sinks }),
    ...(payloadCodecs === undefined ? {} : { dataConverter: { payloadCodecs } }),
    ...(identity === undefined ? {} : { identity }),
    ...(buildId === undefined ? {} : { buildId }),
    maxCachedWorkflows: options.cachedWorkflowsMax,
    maxConcurrentActivityTaskExecutions: options.maxConcurrentActivityTaskExecutions ?? ACTIVITIES_MAX_DEFAULT,
    workflowTaskPollerBehavior: { type: 'autoscaling', maximum: POLLERS_MAX },
    activityTaskPollerBehavior: { type: 'autoscaling', maximum: POLLERS_MAX },
    shutdownGraceTime: SHUTDOWN_GRACE_MS,
    shutdownForceTime: SHUTDOWN_FORCE_MS,
  };
}
