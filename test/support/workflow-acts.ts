/** One thing that a workflow did, in the same words whether it comes from replayed code or from a history. */
export interface Act {
  readonly kind: string;
  readonly [field: string]: unknown;
}

type Json = Readonly<Record<string, unknown>>;

/** Acts of one command of the SDK (coresdk.workflow_commands, as JSON), given to a worker of this task queue. */
export function actsOfCommand(command: Json, ownQueue: string): readonly Act[] {
  const summary = payloadOf(childOf(command, 'userMetadata')['summary']);
  const [kind, body] = variantOf(command, COMMAND_KINDS);
  switch (kind) {
    case 'scheduleActivity': {
      const taskQueue = queueName(body['taskQueue'], ownQueue);
      const named = { id: body['activityId'], type: body['activityType'], input: body['arguments'] };
      return [activity({ ...body, taskQueue }, named, summary)];
    }
    case 'startTimer':
      return [timer(String(body['seq']), body['startToFireTimeout'], summary)];
    case 'cancelTimer':
      return [{ kind: 'cancelTimer', timerId: String(body['seq']) }];
    case 'upsertWorkflowSearchAttributes':
      return [searchAttributes(body)];
    case 'setPatchMarker':
      return [{ kind: 'patch', id: body['patchId'], deprecated: body['deprecated'] ?? false }];
    case 'completeWorkflowExecution':
      return [{ kind: 'complete', result: payloadOf(body['result']) }];
    case 'failWorkflowExecution':
      return [{ kind: 'fail', message: childOf(body, 'failure')['message'] }];
    case 'cancelWorkflowExecution':
      return [{ kind: 'cancel' }];
    case 'continueAsNewWorkflowExecution':
      return [continuation(body['workflowType'], queueName(body['taskQueue'], ownQueue), body['arguments'])];
    case 'updateResponse':
      if (isObject(body['accepted'])) return [{ kind: 'updateAccepted', id: body['protocolInstanceId'] }];
      return [{ kind: 'updateCompleted', id: body['protocolInstanceId'], outcome: payloadOf(body['completed']) }];
  }
}

/** The task queue that a recorded workflow was started on. */
export function queueOf(history: { readonly events: readonly Json[] }): string {
  const started = childOf(history.events[0] ?? {}, 'workflowExecutionStartedEventAttributes');
  return String(childOf(started, 'taskQueue')['name']);
}

/** Acts of one event of a history's JSON; none for what the workflow did not do itself. */
export function actsOfEvent(event: Json, ownQueue: string): readonly Act[] {
  const key = Object.keys(event).find((name) => name.endsWith('EventAttributes')) ?? '';
  const body = childOf(event, key);
  const summary = payloadOf(childOf(event, 'userMetadata')['summary']);
  const input = childOf(body, 'input')['payloads'];
  switch (key.replace('EventAttributes', '')) {
    case 'activityTaskScheduled': {
      const type = childOf(body, 'activityType')['name'];
      const taskQueue = queueName(childOf(body, 'taskQueue')['name'], ownQueue);
      return [activity({ ...body, taskQueue }, { id: body['activityId'], type, input }, summary)];
    }
    case 'timerStarted':
      return [timer(String(body['timerId']), body['startToFireTimeout'], summary)];
    case 'timerCanceled':
      return [{ kind: 'cancelTimer', timerId: String(body['timerId']) }];
    case 'upsertWorkflowSearchAttributes': {
      const act = searchAttributes(body);
      // The SDK itself lists the patches of a run, beside the marker of each.
      return Object.keys(act.values).join() === PATCHES ? [] : [act];
    }
    case 'markerRecorded': {
      const data = payloadOf(listOf(childOf(childOf(body, 'details'), 'patch-data')['payloads'])[0]);
      return [{ kind: 'patch', ...(JSON.parse(data ?? '{}') as object) }];
    }
    case 'workflowExecutionCompleted':
      return [{ kind: 'complete', result: payloadOf(listOf(childOf(body, 'result')['payloads'])[0]) }];
    case 'workflowExecutionFailed':
      return [{ kind: 'fail', message: childOf(body, 'failure')['message'] }];
    case 'workflowExecutionCanceled':
      return [{ kind: 'cancel' }];
    case 'workflowExecutionContinuedAsNew': {
      const taskQueue = queueName(childOf(body, 'taskQueue')['name'], ownQueue);
      return [continuation(childOf(body, 'workflowType')['name'], taskQueue, input)];
    }
    case 'workflowExecutionUpdateAccepted':
      return [{ kind: 'updateAccepted', id: body['protocolInstanceId'] }];
    case 'workflowExecutionUpdateCompleted': {
      const outcome = payloadOf(listOf(childOf(childOf(body, 'outcome'), 'success')['payloads'])[0]);
      return [{ kind: 'updateCompleted', id: childOf(body, 'meta')['updateId'], outcome }];
    }
    default:
      if (!NOT_BY_THE_WORKFLOW.test(key)) throw new Error(`strict replay has no comparison for ${key}`);
      return [];
  }
}

const COMMAND_KINDS = [
  'scheduleActivity',
  'startTimer',
  'cancelTimer',
  'upsertWorkflowSearchAttributes',
  'setPatchMarker',
  'completeWorkflowExecution',
  'failWorkflowExecution',
  'cancelWorkflowExecution',
  'continueAsNewWorkflowExecution',
  'updateResponse',
] as const;

const PATCHES = 'TemporalChangeVersion';

/** What the server, the outside or an activity did. A kind that is not listed stops the comparison. */
const NOT_BY_THE_WORKFLOW =
  /^(workflowExecution(Started|Signaled|CancelRequested|TimeSkippingTransitioned|OptionsUpdated)|workflowTask\w+|activityTask(Started|Completed|Failed)|timerFired)EventAttributes$/;

/** Replay runs on a queue of its own: what matters is whether the workflow stays on the one that it was started on. */
function queueName(name: unknown, ownQueue: string): unknown {
  return name === ownQueue ? 'own' : name;
}

function variantOf<K extends string>(command: Json, kinds: readonly K[]): readonly [K, Json] {
  const kind = kinds.find((name) => isObject(command[name]));
  if (kind === undefined) throw new Error(`strict replay has no comparison for ${Object.keys(command).join()}`);
  return [kind, childOf(command, kind)];
}

function activity(body: Json, named: { id: unknown; type: unknown; input: unknown }, summary: unknown): Act {
  const retry = childOf(body, 'retryPolicy');
  return {
    kind: 'activity',
    id: named.id,
    type: named.type,
    taskQueue: body['taskQueue'],
    input: listOf(named.input).map(payloadOf),
    scheduleToCloseMs: millisecondsOf(body['scheduleToCloseTimeout']),
    scheduleToStartMs: millisecondsOf(body['scheduleToStartTimeout']),
    startToCloseMs: millisecondsOf(body['startToCloseTimeout']),
    heartbeatMs: millisecondsOf(body['heartbeatTimeout']),
    retry: {
      initialMs: millisecondsOf(retry['initialInterval']),
      coefficient: retry['backoffCoefficient'],
      maximumMs: millisecondsOf(retry['maximumInterval']),
      attempts: retry['maximumAttempts'] ?? 0,
      never: retry['nonRetryableErrorTypes'],
    },
    summary,
  };
}

function timer(timerId: string, length: unknown, summary: unknown): Act {
  return { kind: 'timer', timerId, lengthMs: millisecondsOf(length), summary };
}

function continuation(workflowType: unknown, taskQueue: unknown, input: unknown): Act {
  return { kind: 'continueAsNew', workflowType, taskQueue, input: listOf(input).map(payloadOf) };
}

function searchAttributes(body: Json): Act & { readonly values: object } {
  const fields = Object.entries(childOf(childOf(body, 'searchAttributes'), 'indexedFields'));
  const values = fields.map(([name, payload]) => [name, payloadOf(payload)] as const);
  return { kind: 'searchAttributes', values: Object.fromEntries(values.sort(([a], [b]) => (a < b ? -1 : 1))) };
}

/** A payload's text; the bytes come as base64 (history) or as numbers (command). */
function payloadOf(payload: unknown): string | null {
  if (!isObject(payload)) return null;
  const { data } = payload;
  if (Array.isArray(data)) return Buffer.from(data as number[]).toString('utf8');
  return Buffer.from(typeof data === 'string' ? data : '', 'base64').toString('utf8');
}

/** A duration as `1.5s` (history) or as seconds and nanoseconds (command); none is 0, as the server writes it. */
function millisecondsOf(duration: unknown): number {
  if (typeof duration === 'string') return Math.round(Number.parseFloat(duration) * 1_000);
  if (!isObject(duration)) return 0;
  const seconds = duration['seconds'];
  const whole = isObject(seconds) ? Number(seconds['low']) + Number(seconds['high']) * 2 ** 32 : Number(seconds ?? 0);
  return Math.round(whole * 1_000 + Number(duration['nanos'] ?? 0) / 1e6);
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null;
}

function childOf(value: Json, key: string): Json {
  const child = value[key];
  return isObject(child) ? child : {};
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
