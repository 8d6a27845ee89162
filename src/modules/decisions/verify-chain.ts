import { hash } from 'node:crypto';
import { decide } from '../../core/decisions/decide.js';
import { canonicalJson } from '../../core/kernel/canonical-json.js';
import type { InstantMs } from '../../core/kernel/instant.js';
import { toColumns } from './decision-columns.js';
import { readRecord, type DecisionPayload, type ReadRecord } from './decision-record.js';

/** One stored decision, as far as it can be checked. */
export interface ChainRow {
  readonly id: string;
  readonly userId: string;
  readonly source: string;
  readonly runKey: string | null;
  readonly stepId: string | null;
  readonly visit: number | null;
  readonly ask: number | null;
  readonly clockDomain: string;
  readonly decidedAt: InstantMs;
  readonly outcome: string;
  readonly channel: string;
  readonly action: string;
  readonly reason: string | null;
  readonly until: InstantMs | null;
  /** Of decisions that were made before records were text. */
  readonly payload: DecisionPayload | null;
  readonly record: string | null;
  readonly definitionsHash: Buffer | null;
  readonly payloadHash: Buffer;
  readonly chainSeq: number;
  readonly chainHash: Buffer;
  /** Of the user, read together with the decision. */
  readonly isErased: boolean;
}

/** Where a walk along one chain stands: after how many decisions, and with which hash. */
export interface ChainPlace {
  readonly seq: number;
  readonly hash: Buffer;
}

export const CHAIN_START: ChainPlace = { seq: 0, hash: Buffer.alloc(0) };

/** What is wrong: with one decision, or, without one, with the chain as a whole. */
export interface ChainFault {
  readonly decisionId: string | null;
  readonly kind:
    | 'sequence'
    | 'chain'
    | 'missing'
    | 'content'
    | 'unreadable'
    | 'definitions'
    | 'column'
    | 're_evaluation'
    | 'head'
    | 'orphan';
  /** What differs, in words. */
  readonly detail: string;
}

/** How thoroughly a decision was looked at: `hashes` where there is nothing left, or nothing asked, to make again. */
export interface RowReport {
  readonly depth: 'hashes' | 'made_again';
  readonly faults: readonly ChainFault[];
  readonly place: ChainPlace;
}

/** The definitions under a hash, null when there are none; `isTrue` is whether they have that hash. */
export type Body = { readonly text: string; readonly isTrue: boolean } | null;

/**
 * Checks one decision: its place in the chain, its hashes, the columns beside its record, and that the same input gives
 * the same decision again, bit for bit, if it was made by the engine that runs and with its time zones. Of an erased person only the hashes are left.
 *
 * After a fault the walk goes on from what the row itself says, so that each fault is told once.
 *
 * @param before where the chain stood before this decision
 * @param more.isAged only the hashes are asked for
 */
export function checkRow(
  row: ChainRow,
  before: ChainPlace,
  more: { readonly body: Body; readonly isAged: boolean },
): RowReport {
  const text = row.record ?? (row.payload === null ? null : canonicalJson(row.payload));
  const links = linkFaults(row, before);
  const place = { seq: row.chainSeq, hash: row.chainHash };
  if (text === null) {
    const lost = row.isErased ? [] : [fault(row, 'missing', 'its record is gone, though the user was not erased')];
    return { depth: 'hashes', faults: [...links, ...lost], place };
  }
  if (!hash('sha256', text, 'buffer').equals(row.payloadHash)) {
    return { depth: 'hashes', faults: [...links, fault(row, 'content', 'its record has another hash')], place };
  }
  // What was recorded before records were text was decided on other facts than decisions look at today.
  const isOldForm = row.record === null;
  if (more.isAged || isOldForm) return { depth: 'hashes', faults: links, place };
  const meaning = checkMeaning(row, row.record, more.body);
  return { depth: meaning.depth, faults: [...links, ...meaning.faults], place };
}

/** What is wrong with the end of a chain: whether it is where the user's state says. */
export function headFaults(last: ChainPlace, head: ChainPlace): readonly ChainFault[] {
  const whole = { decisionId: null, kind: 'head' } as const;
  if (last.seq !== head.seq) {
    return [
      { ...whole, detail: `the user's state counts ${head.seq} decisions, the last one found has number ${last.seq}` },
    ];
  }
  return last.hash.equals(head.hash)
    ? []
    : [{ ...whole, detail: "the user's state has another chain hash at its end" }];
}

function linkFaults(row: ChainRow, before: ChainPlace): readonly ChainFault[] {
  if (row.chainSeq !== before.seq + 1) {
    return [fault(row, 'sequence', `it has number ${row.chainSeq} where ${before.seq + 1} was expected`)];
  }
  const expected = hash('sha256', Buffer.concat([before.hash, row.payloadHash]), 'buffer');
  if (expected.equals(row.chainHash)) return [];
  return [fault(row, 'chain', 'its chain hash does not follow from the decision before and its own record')];
}

function checkMeaning(row: ChainRow, record: string, body: Body): Pick<RowReport, 'depth' | 'faults'> {
  const broken = (kind: ChainFault['kind'], detail: string): Pick<RowReport, 'depth' | 'faults'> => ({
    depth: 'hashes',
    faults: [fault(row, kind, detail)],
  });
  if (body === null) return broken('definitions', 'the definitions that it names are gone');
  if (!body.isTrue) return broken('definitions', 'the definitions that it names have another hash');
  try {
    const named = (JSON.parse(record) as { readonly definitions: string }).definitions;
    if (named !== row.definitionsHash?.toString('hex')) {
      return broken('definitions', 'its column names other definitions than its record');
    }
    const read = readRecord(record, body.text);
    const columns = columnFaults(row, read);
    if (!read.isOfToday) return { depth: 'hashes', faults: columns };
    return { depth: 'made_again', faults: [...columns, ...againFaults(row, read)] };
  } catch (error) {
    return broken('unreadable', `it cannot be made again: ${error instanceof Error ? error.message : 'unknown'}`);
  }
}

function columnFaults(row: ChainRow, { input, decision, identity }: ReadRecord): readonly ChainFault[] {
  const { outcome } = decision;
  const { channel, action, reason, until } = toColumns(outcome);
  const expected: Readonly<Record<string, readonly [unknown, unknown]>> = {
    id: [row.id, identity.id],
    user_id: [row.userId, input.user.id],
    source: [row.source, identity.source],
    run_key: [row.runKey, identity.step?.runKey ?? null],
    step_id: [row.stepId, identity.step?.stepId ?? null],
    visit: [row.visit, identity.step?.visit ?? null],
    ask: [row.ask, identity.step?.ask ?? null],
    clock_domain: [row.clockDomain, identity.clockDomain],
    decided_at: [instantText(row.decidedAt), instantText(input.now)],
    outcome: [row.outcome, outcome.kind],
    channel: [row.channel, channel],
    action: [row.action, action],
    reason: [row.reason, reason],
    until: [instantText(row.until), instantText(until)],
  };
  return Object.entries(expected)
    .filter(([, [found, recorded]]) => found !== recorded)
    .map(([column, [found, recorded]]) =>
      fault(row, 'column', `column ${column} says ${found}, its record ${recorded}`),
    );
}

/** Columns hold whole milliseconds. */
const instantText = (at: InstantMs | null): string | null =>
  at === null ? null : new Date(Math.round(at)).toISOString();

function againFaults(row: ChainRow, { input, decision }: DecisionPayload): readonly ChainFault[] {
  const again = decide(input);
  const parts = ['outcome', 'candidates', 'gates', 'counterfactuals', 'doNothingValue'] as const;
  const differing = parts.filter((part) => canonicalJson(again[part]) !== canonicalJson(decision[part]));
  if (differing.length === 0 && canonicalJson(again) === canonicalJson(decision)) return [];
  return [fault(row, 're_evaluation', `made again, it differs in ${differing.join(', ')}`)];
}

function fault({ id }: ChainRow, kind: ChainFault['kind'], detail: string): ChainFault {
  return { decisionId: id, kind, detail };
}
