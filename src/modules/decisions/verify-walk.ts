import { hash } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import type { InstantMs } from '../../core/kernel/instant.js';
import {
  CHAIN_START,
  checkRow,
  headFaults,
  type Body,
  type ChainFault,
  type ChainPlace,
  type ChainRow,
  type RowReport,
} from './verify-chain.js';
import { VerifyRepository, type ChainHead } from './verify.repository.js';

/** Records of some kilobytes each: what is held at once stays below a few megabytes. */
const ROWS_AT_ONCE = 200;
const HEADS_AT_ONCE = 500;
/** A decision is made again in a millisecond or so: this is how long others wait for their turn. */
const ROWS_IN_A_TURN = 5;
const BODIES_HELD_MAX = 16;
/** More faults of one chain are counted, not told. */
const FAULTS_TOLD_MAX = 100;
const ORPHANS_TOLD_MAX = 100;
/** Before every decision: below every number and every id. */
const FIRST: WalkPlace = {
  seq: Number.MIN_SAFE_INTEGER,
  id: '00000000-0000-0000-0000-000000000000',
  chain: CHAIN_START,
};

/** What became of checking one user's decisions. */
export interface ChainReport {
  readonly userId: string;
  readonly decisions: number;
  /** Made again from their records; the others could only be, or were only to be, checked by their hashes. */
  readonly madeAgain: number;
  readonly faultCount: number;
  /** At most a hundred of them. */
  readonly faults: readonly ChainFault[];
}

/** A part of a chain, and how the walk goes on. */
export interface PartReport extends ChainReport {
  /** The last decision that was looked at; null when the chain is at its end. */
  readonly lastId: string | null;
}

/** Behind which decision a walk along one chain goes on, and where the chain stands there. */
interface WalkPlace {
  readonly seq: number;
  readonly id: string;
  readonly chain: ChainPlace;
}

/** Where a walk over all users stands. */
export interface VerifyProgress {
  readonly users: number;
  readonly decisions: number;
  readonly madeAgain: number;
  readonly faults: number;
}

/** Checks that the stored decisions are the ones that were made: nothing altered, left out, added or put in another order. */
@Injectable()
export class DecisionVerifier {
  /** The last used one last. */
  private readonly bodies = new Map<string, Body>();

  constructor(private readonly repository: VerifyRepository) {}

  /** The chain as it was when the walk began. @returns null when there is no such user */
  async verifyUser(userId: string, since: InstantMs | null = null): Promise<ChainReport | null> {
    const head = await this.repository.head(userId);
    return head === null ? null : this.verifyChain(head, { since, from: FIRST, limit: Number.POSITIVE_INFINITY });
  }

  /**
   * The next decisions of a chain. What stands before them is taken as it is stored by now: if it was altered after it was
   * looked at, the first of these no longer follows from it.
   *
   * @param part.after the decision where the part before ended; null: from the beginning
   * @returns `no_user`, or `no_decision` when that decision is not one about the user
   */
  async verifyPart(
    userId: string,
    { after, limit }: { readonly after: string | null; readonly limit: number },
  ): Promise<PartReport | 'no_user' | 'no_decision'> {
    const head = await this.repository.head(userId);
    if (head === null) return 'no_user';
    const from = after === null ? FIRST : await this.repository.place(userId, after);
    return from === null ? 'no_decision' : this.verifyChain(head, { since: null, from, limit });
  }

  /**
   * All chains, one after the other, with as much memory as one page of one chain needs.
   *
   * @param since only users with a decision recorded from then on; what is older is checked by its hashes only
   * @param tell is called after each user with where the walk stands
   */
  async verifyAll(
    since: InstantMs | null,
    tell: (report: ChainReport, progress: VerifyProgress) => void,
  ): Promise<VerifyProgress> {
    let sum: VerifyProgress = { users: 0, decisions: 0, madeAgain: 0, faults: 0 };
    let after: string | null = null;
    for (;;) {
      const heads: readonly ChainHead[] = await this.repository.heads(after, since, HEADS_AT_ONCE);
      for (const { userId } of heads) {
        // The page of heads may be minutes old by now.
        const report = await this.verifyUser(userId, since);
        if (report === null) continue;
        sum = add(sum, report);
        tell(report, sum);
      }
      after = heads.at(-1)?.userId ?? null;
      if (after === null) break;
    }
    const orphans = await this.repository.orphans(ORPHANS_TOLD_MAX);
    for (const { id, userId } of orphans) {
      const fault = { decisionId: id, kind: 'orphan', detail: 'it is about a user who has no chain' } as const;
      const report = { userId, decisions: 1, madeAgain: 0, faultCount: 1, faults: [fault] };
      sum = add(sum, report, 0);
      tell(report, sum);
    }
    return sum;
  }

  private async verifyChain(
    head: ChainHead,
    walk: { readonly since: InstantMs | null; readonly from: WalkPlace; readonly limit: number },
  ): Promise<PartReport> {
    const { userId } = head;
    const tally = new ChainTally();
    let { from } = walk;
    for (;;) {
      const limit = Math.min(ROWS_AT_ONCE, walk.limit - tally.decisions);
      const rows = await this.repository.rows(userId, from, Math.max(head.length, head.highest), limit);
      for (const row of rows) {
        if (tally.decisions % ROWS_IN_A_TURN === 0) await turn();
        const report = await this.check(row, from.chain, walk.since);
        tally.add(report);
        from = { seq: row.chainSeq, id: row.id, chain: report.place };
      }
      if (rows.length < limit) break;
      if (tally.decisions >= walk.limit) return { userId, ...tally.report(), lastId: from.id };
    }
    tally.note(headFaults(from.chain, { seq: head.length, hash: head.hash }));
    return { userId, ...tally.report(), lastId: null };
  }

  private async check(row: ChainRow, before: ChainPlace, since: InstantMs | null): Promise<RowReport> {
    const isAged = since !== null && row.decidedAt < since;
    const body = row.definitionsHash === null || isAged ? null : await this.body(row.definitionsHash);
    return checkRow(row, before, { body, isAged });
  }

  private async body(definitionsHash: Buffer): Promise<Body> {
    const key = definitionsHash.toString('hex');
    const known = this.bodies.get(key);
    const body = known === undefined ? await this.readBody(definitionsHash) : known;
    this.bodies.delete(key);
    this.bodies.set(key, body);
    const [oldest] = this.bodies.keys();
    if (this.bodies.size > BODIES_HELD_MAX && oldest !== undefined) this.bodies.delete(oldest);
    return body;
  }

  private async readBody(definitionsHash: Buffer): Promise<Body> {
    const text = await this.repository.body(definitionsHash);
    return text === null ? null : { text, isTrue: hash('sha256', text, 'buffer').equals(definitionsHash) };
  }
}

/** Counts what became of the decisions of one chain, with bounded memory. */
class ChainTally {
  decisions = 0;
  private madeAgain = 0;
  private faultCount = 0;
  private readonly faults: ChainFault[] = [];

  add({ faults, depth }: RowReport): void {
    this.note(faults);
    this.decisions += 1;
    if (depth === 'made_again') this.madeAgain += 1;
  }

  note(faults: readonly ChainFault[]): void {
    this.faultCount += faults.length;
    this.faults.push(...faults.slice(0, FAULTS_TOLD_MAX - this.faults.length));
  }

  report(): Omit<ChainReport, 'userId'> {
    const { decisions, madeAgain, faultCount, faults } = this;
    return { decisions, madeAgain, faultCount, faults };
  }
}

function add(sum: VerifyProgress, report: ChainReport, users = 1): VerifyProgress {
  return {
    users: sum.users + users,
    decisions: sum.decisions + report.decisions,
    madeAgain: sum.madeAgain + report.madeAgain,
    faults: sum.faults + report.faultCount,
  };
}
