import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../../src/core/kernel/instant.js';
import { Attempts, type Callback } from './attempts.js';
import { checkEnd, checkTick, type Violation } from './checkers.js';
import { stateOf, type StepRequest } from './facts.js';
import * as life from './life.js';
import { questionKey, Store } from './model.js';
import { changePolicy } from './policies.js';
import { hear } from './protocol.js';
import { Provider } from './provider.js';
import { Queue } from './queue.js';
import { Random } from './random.js';
import { RunActor } from './runs.js';
import { clockOf, CORE, count, emptyJournal, type Core, type Flaw, type Scene } from './scene.js';
import { AWAITED_EVENT, createWorld, EXIT_EVENT, type Size } from './world.js';

/** What to simulate, and how. */
export interface SimulationOptions {
  readonly size?: Size;
  readonly core?: Core;
  readonly flaws?: readonly Flaw[];
  /** Look at these rules only. */
  readonly rules?: readonly string[];
  /** Told of everything that happens, with the virtual instant; null for what concerns everybody. */
  readonly trace?: (at: number, userId: string | null, text: string) => void;
}

/** What became of a simulation. */
export interface SimulationResult {
  readonly seed: number;
  /** The first rule that was broken; null when none was. */
  readonly violation: Violation | null;
  readonly ticks: number;
  readonly counts: ReadonlyMap<string, number>;
  /** Changes with every decision: equal for equal seeds. */
  readonly digest: string;
}

/** The size that `npm test` runs. */
export const SIZE_DEFAULT: Size = { users: 10, weeks: 2 };

const { imul } = Math;
const TICKS_MAX = 2_000_000;
const WEEK_MS = 7 * DAY_MS;

/** Lives through one world tick by tick, with all checkers after each, until nothing is left to do or a rule is broken. */
export function simulate(seed: number, options: SimulationOptions = {}): SimulationResult {
  return new Simulator(seed, options).run(seed);
}

class Simulator {
  readonly #random: Random;
  readonly #scene: Scene;
  readonly #endAt: number;
  readonly #queue = new Queue<() => void>();
  readonly #actors = new Map<string, RunActor>();
  readonly #attempts: Attempts;
  #revision = 1;
  #kills = 0;

  constructor(seed: number, { size = SIZE_DEFAULT, core = CORE, flaws = [], rules, trace }: SimulationOptions) {
    this.#random = new Random(seed);
    const world = createWorld(this.#random, size);
    const scene: Scene = {
      ...{ world, core, flaws: new Set(flaws), now: world.startAt, skewMs: 0, journal: emptyJournal() },
      watched: rules === undefined ? null : new Set(rules),
      store: new Store(world.definitions),
      provider: new Provider(this.#random),
      counts: new Map(),
      note: (userId, text) => trace?.(scene.now, userId, text()),
    };
    this.#scene = scene;
    this.#endAt = world.startAt + size.weeks * WEEK_MS;
    this.#attempts = new Attempts(
      scene,
      this.#random,
      {
        after: (delayMs, act) => this.#after(delayMs, act),
        answered: (request, answer) => {
          if (this.#isOpen(request)) this.#actors.get(request.run.runKey)?.answer(answer);
        },
        isOpen: (request) => this.#isOpen(request),
        meddle: (userId, withinMs) => this.#after(this.#random.int(0, withinMs), () => this.#happen(userId)),
      },
      (key, kind) => this.#hear(key, kind),
    );
    this.#populate();
  }

  run(seed: number): SimulationResult {
    const scene = this.#scene;
    let ticks = 0;
    let violation: Violation | null = null;
    let digest = '';
    for (let next = this.#queue.take(); next !== undefined && next.at <= this.#endAt; next = this.#queue.take()) {
      scene.now = Math.max(scene.now, next.at);
      scene.journal = emptyJournal();
      next.value();
      ticks += 1;
      violation = checkTick(scene);
      digest = digestOf(digest, scene);
      if (violation !== null || ticks >= TICKS_MAX) break;
    }
    violation ??= checkEnd(scene, [...this.#actors.values()], (request) => this.#attempts.isUnderWay(request));
    count(scene, 'decisions', scene.store.decisions.length);
    return { seed, violation, ticks, counts: scene.counts, digest };
  }

  #after(delayMs: number, act: () => void): void {
    this.#queue.add(this.#scene.now + delayMs, act);
  }

  #isOpen({ run, step, visit, ask }: StepRequest): boolean {
    const open = this.#actors.get(run.runKey)?.request ?? null;
    return open !== null && open.step.id === step.id && open.visit === visit && open.ask === ask;
  }

  #populate(): void {
    const { world, store } = this.#scene;
    for (const journey of world.journeys) store.journeyQuietRules.set(journey.key, journey.quietRules);
    for (const user of world.users) {
      store.users.set(user.id, user);
      life.firstConsents(this.#scene, this.#random, user);
      this.#often(2, () => this.#happen(user.id));
    }
    for (const { at, userId, journeyKey } of world.entries) this.#queue.add(at, () => this.#enter(userId, journeyKey));
    this.#often(2.5, () => this.#change());
    this.#often(3, () => this.#attempts.crash());
    this.#often(1, () => this.#setClock());
    this.#often(1, () => {
      const channel = this.#random.pick(['email', 'sms', 'push']);
      this.#scene.provider.goDown(channel, this.#scene.now);
    });
  }

  /** Something happens so many times a week, at instants of chance. */
  #often(timesPerWeek: number, act: () => void): void {
    const gapMs = -Math.log(1 - this.#random.fraction()) * (WEEK_MS / timesPerWeek);
    this.#after(Math.ceil(gapMs), () => {
      act();
      this.#often(timesPerWeek, act);
    });
  }

  #enter(userId: string, journeyKey: string): void {
    const scene = this.#scene;
    const journey = scene.world.journeys.find(({ key }) => key === journeyKey);
    if (journey === undefined || scene.store.user(userId).isErased) return;
    const runKey = `${journeyKey}:${userId}:${this.#actors.size + 1}`;
    const enteredAt = clockOf(scene);
    const { conflict } = journey;
    const row = {
      ...{ runKey, journeyKey, userId, enteredAt, isExitRequested: false, isPaused: false, isEnded: false },
      conflict: conflict === null ? null : { ...conflict, enteredAt },
    };
    scene.store.putRun(row);
    scene.note(userId, () => `${runKey} enters`);
    const actor = new RunActor(scene, row, journey, {
      ask: (_, request) => this.#attempts.ask(request),
      sleep: (run, until, timer) => this.#queue.add(Math.max(until, scene.now), () => run.timer(timer)),
    });
    this.#actors.set(runKey, actor);
    actor.begin();
  }

  /** Something about one person changes, and the runs that wait are told soon after. */
  #happen(userId: string): void {
    const [scene, random] = [this.#scene, this.#random];
    const what = random.weighted([
      ['withdraw', 7],
      ['deny', 2],
      ['object', 1],
      ['pending', 2],
      ['grant', 12],
      ['suppress', 3],
      ['lift', 5],
      ['move', 4],
      ['plan', 3],
      ['pause', 4],
      ['exit', 1.5],
      ['event', 2],
      ['purchase', 0.7],
      ['enter', 2],
      ['erase', 0.25],
      ['wake', 2],
      ['import', 3],
      ['kill', 0.5],
    ] as const);
    count(scene, what);
    switch (what) {
      case 'withdraw':
        life.stateConsent(scene, random, userId, 'withdrawn');
        break;
      case 'deny':
        life.stateConsent(scene, random, userId, 'denied');
        break;
      case 'pending':
        life.stateConsent(scene, random, userId, 'pending');
        break;
      case 'grant':
        life.stateConsent(scene, random, userId, 'granted');
        break;
      case 'object':
        life.objectTo(scene, userId);
        break;
      case 'suppress':
        life.suppressSomehow(scene, random, userId);
        break;
      case 'lift':
        life.liftSuppression(scene, random, userId);
        break;
      case 'import':
        life.importConsents(scene, random, userId);
        break;
      case 'move':
        life.move(scene, random, userId);
        break;
      case 'plan':
        life.changePlan(scene, random, userId);
        break;
      case 'pause':
        this.#pause(userId);
        return;
      case 'exit':
        this.#exit(userId, 'stopped', true);
        return;
      case 'purchase':
        this.#exit(userId, EXIT_EVENT, false);
        return;
      case 'event':
        this.#event(userId);
        return;
      case 'enter':
        this.#enter(userId, random.pick(scene.world.journeys).key);
        return;
      case 'erase':
        life.erase(scene, userId);
        this.#tellAll(userId, { kind: 'exit', reason: 'erased' });
        return;
      case 'kill':
        this.#kill();
        return;
      case 'wake':
        break;
    }
    this.#tellAll(userId, { kind: 'wake' });
  }

  #tellAll(userId: string, message: Parameters<RunActor['tell']>[0]): void {
    for (const { runKey } of this.#scene.store.runsOf(userId)) this.#tell(runKey, message);
  }

  /** What is written down holds at once; the run hears of it a little later. */
  #tell(runKey: string, message: Parameters<RunActor['tell']>[0]): void {
    this.#after(this.#random.int(0, 5 * SECOND_MS), () => this.#actors.get(runKey)?.tell(message));
  }

  #pause(userId: string): void {
    const { store } = this.#scene;
    const open = store.runsOf(userId).filter((run) => stateOf(run) === 'active');
    if (open.length === 0) return;
    const { runKey } = this.#random.pick(open);
    store.putRun({ ...store.run(runKey), isPaused: true });
    this.#scene.note(userId, () => `${runKey} is paused`);
    this.#tell(runKey, { kind: 'pause' });
    this.#after(this.#random.int(10 * SECOND_MS, 2 * DAY_MS), () => {
      store.putRun({ ...store.run(runKey), isPaused: false });
      this.#scene.note(userId, () => `${runKey} is resumed`);
      this.#tell(runKey, { kind: 'resume' });
    });
  }

  /** An operator stops one run, or an event ends those that listen to it. */
  #exit(userId: string, reason: string, isOne: boolean): void {
    const { store, world } = this.#scene;
    const open = store.runsOf(userId).filter((run) => stateOf(run) !== 'exited');
    const listening = open.filter(({ journeyKey }) =>
      world.journeys.some(({ key, plan }) => key === journeyKey && plan.exitEvents.includes(reason)),
    );
    const chosen = isOne ? (open.length === 0 ? [] : [this.#random.pick(open)]) : listening;
    for (const { runKey } of chosen) {
      store.putRun({ ...store.run(runKey), isExitRequested: true });
      this.#scene.note(userId, () => `${runKey} is to end: ${reason}`);
      this.#tell(runKey, { kind: 'exit', reason });
    }
  }

  #event(userId: string): void {
    const occurredAt = this.#scene.now;
    const event = { messageId: `m${occurredAt}`, name: AWAITED_EVENT, occurredAt };
    this.#tellAll(userId, { kind: 'event', event });
  }

  /** An operator changes a policy or an action; runs that wait are woken, as a looser rule would do it. */
  #change(): void {
    const { store, world } = this.#scene;
    this.#revision += 1;
    store.definitions = changePolicy(this.#random, store.definitions, this.#revision, world.startDate);
    this.#scene.note(null, () => `definitions ${this.#revision}: ${JSON.stringify(rulesOf(store.definitions))}`);
    count(this.#scene, 'policy changes');
    if (this.#random.chance(0.5)) for (const { id } of world.users) this.#tellAll(id, { kind: 'wake' });
  }

  /** The database's clock is set back by seconds, so that what was just written lies ahead of it; later it is put right. */
  #setClock(): void {
    const { users, journeys } = this.#scene.world;
    const backMs = this.#random.int(SECOND_MS, 5 * SECOND_MS);
    const concerned = users.filter(() => this.#random.chance(0.2)).map(({ id }) => id);
    const enterAll = (): void => {
      for (const id of concerned) this.#enter(id, this.#random.pick(journeys).key);
    };
    enterAll();
    for (const id of concerned) this.#after(this.#random.int(0, SECOND_MS), () => this.#happen(id));
    this.#after(SECOND_MS, () => {
      this.#scene.skewMs -= backMs;
      this.#scene.note(null, () => `the clock is set back by ${backMs} ms`);
      count(this.#scene, 'clocks set back');
      enterAll();
    });
    this.#after(this.#random.int(MINUTE_MS, 6 * HOUR_MS), () => {
      this.#scene.skewMs += backMs;
    });
  }

  #kill(): void {
    const { store } = this.#scene;
    this.#kills += 1;
    store.isKillSwitchOn = true;
    this.#scene.note(null, () => 'the kill switch is on');
    this.#after(this.#random.int(SECOND_MS, HOUR_MS), () => {
      this.#kills -= 1;
      store.isKillSwitchOn = this.#kills > 0;
    });
  }

  #hear(idempotencyKey: string, kind: Callback): void {
    const { store } = this.#scene;
    const row = store.delivery(idempotencyKey);
    if (row === null) return;
    const { userId, candidate } = row;
    hear(this.#scene, idempotencyKey, kind);
    this.#scene.note(userId, () => `${idempotencyKey} is ${kind}`);
    const { channel, addressHash } = candidate;
    const shut = { addressHash, channel, purpose: null, until: null };
    if (kind === 'bounced') life.suppress(this.#scene, userId, { ...shut, reason: 'hard_bounce' });
    if (kind === 'complained') life.suppress(this.#scene, userId, { ...shut, reason: 'complaint' });
    if (kind === 'unsubscribed') life.stateConsent(this.#scene, this.#random, userId, 'withdrawn');
    if (kind === 'bounced' || kind === 'complained' || kind === 'unsubscribed') this.#tellAll(userId, { kind: 'wake' });
  }
}

function rulesOf({ actions: _actions, templates: _templates, ...rules }: Store['definitions']): object {
  return rules;
}

/** FNV-1a over what was decided and answered. */
function digestOf(digest: string, { journal, now }: Scene): string {
  if (journal.decisions.length + journal.answers.length === 0) return digest;
  const said = [
    ...journal.decisions.map(({ id, decision }) => `${id} ${Object.values(decision.outcome).join()}`),
    ...journal.answers.map(({ question, answer }) => `${questionKey(question)} ${Object.values(answer).join()}`),
  ];
  const text = `${digest} ${now} ${said.join(' ')}`;
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) hash = imul(hash ^ text.charCodeAt(index), 0x01000193);
  return (hash >>> 0).toString(16);
}
