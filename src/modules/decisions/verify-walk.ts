import { hash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { InstantMs } from '../../core/kernel/instant.js';
import { CHAIN_START, checkRow, headFaults, type Body, type ChainFault, type ChainPlace } from './verify-chain.js';
import { VerifyRepository, type ChainHead } from './verify.repository.js';

/** Records of some kilobytes each: what is held at once stays below a few megabytes. */
const ROWS_AT_ONCE = 200;
const HEADS_AT_ONCE = 500;
const BODIES_HELD_MAX = 16;
/** More faults of one chain are counted, not told. */
const FAULTS_TOLD_MAX = 100;
const ORPHANS_TOLD_MAX = 100;
/** Below every id. */
const FIRST_ID = '00000000-0000-0000-0000-000000000000';

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

  /** How many decisions the user's state counts; null when there is no such user. */
  async chainLength(userId: string): Promise<number | null> {
    return (await this.repository.head(userId))?.length ?? null;
  }

  /** The chain as it was when the walk began. @returns null when there is no such user */
  async verifyUser(userId: string, since: InstantMs | null = null): Promise<ChainReport | null> {
    const head = await this.repository.head(userId);
    return head === null ? null : this.verifyChain(head, since);
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

  private async verifyChain(head: ChainHead, since: InstantMs | null): Promise<ChainReport> {
    const { userId } = head;
    const upTo = Math.max(head.length, head.highest);
    const told: ChainFault[] = [];
    let faultCount = 0;
    let decisions = 0;
    let madeAgain = 0;
    let place: ChainPlace = CHAIN_START;
    let from = { seq: Number.MIN_SAFE_INTEGER, id: FIRST_ID };
    const note = (faults: readonly ChainFault[]): void => {
      faultCount += faults.length;
      told.push(...faults.slice(0, FAULTS_TOLD_MAX - told.length));
    };
    for (;;) {
      const rows = await this.repository.rows(userId, from, upTo, ROWS_AT_ONCE);
      for (const row of rows) {
        const isAged = since !== null && row.decidedAt < since;
        const body = row.definitionsHash === null || isAged ? null : await this.body(row.definitionsHash);
        const report = checkRow(row, place, { body, isAged });
        note(report.faults);
        place = report.place;
        decisions += 1;
        if (report.depth === 'made_again') madeAgain += 1;
      }
      const last = rows.at(-1);
      if (last === undefined || rows.length < ROWS_AT_ONCE) break;
      from = { seq: last.chainSeq, id: last.id };
    }
    note(headFaults(place, { seq: head.length, hash: head.hash }));
    return { userId, decisions, madeAgain, faultCount, faults: told };
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

function add(sum: VerifyProgress, report: ChainReport, users = 1): VerifyProgress {
  return {
    users: sum.users + users,
    decisions: sum.decisions + report.decisions,
    madeAgain: sum.madeAgain + report.madeAgain,
    faults: sum.faults + report.faultCount,
  };
}
