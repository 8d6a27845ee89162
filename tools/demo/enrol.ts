import type { EnrolmentView } from '../../src/modules/journeys/entry/enrolment.dto.js';
import { ApiError, type Api } from './api.js';
import { sendEvents } from './import.js';
import { forEachLimited, inParts } from './limited.js';
import type { ShopSession } from './online-shoppers.js';
import type { Progress } from './progress.js';
import { referenceOf, toLaterPurchase } from './records.js';

/** An interruption can leave at most so many people with a made-up purchase that lies before their entry. */
const PART_SIZE = 50;

/** One person's place in the journey. */
interface Enrolled {
  readonly run: EnrolmentView;
  readonly session: number;
}

/** Everybody who was asked in. */
export interface EnrolResult {
  readonly enrolled: readonly Enrolled[];
  /** Refusals by the API's code, e.g. an erased user. */
  readonly refused: ReadonlyMap<string, number>;
  readonly laterPurchases: number;
}

/**
 * Enrols people, and tells the virtual clock what they will buy after all just before they enter, so that the times are
 * those of their own entry. In real time nothing is foretold.
 *
 * @param wish.now the wall clock; virtual runs begin at its time too
 */
export async function enrol(
  api: Api,
  wish: {
    readonly seed: number;
    readonly sessions: readonly ShopSession[];
    readonly journey: string;
    readonly clockDomain: string;
    readonly concurrency: number;
    readonly now: () => number;
  },
  progress: Progress,
): Promise<EnrolResult> {
  const { seed, sessions, journey, clockDomain, concurrency, now } = wish;
  const enrolled: Enrolled[] = [];
  const refused = new Map<string, number>();
  let laterPurchases = 0;
  let done = 0;
  for (const part of inParts(sessions, PART_SIZE)) {
    if (clockDomain !== 'real') {
      const at = now();
      const purchases = part.map((session) => toLaterPurchase(seed, session, { at, clockDomain }));
      const told = await sendEvents(
        api,
        purchases.filter((purchase) => purchase !== null),
      );
      laterPurchases += told.accepted;
    }
    await forEachLimited(part, concurrency, async (session) => {
      const answer = await enrolOne(api, referenceOf(seed, session), { journey, clock_domain: clockDomain });
      if (answer.kind === 'run') enrolled.push({ run: answer.run, session: session.number });
      else refused.set(answer.code, (refused.get(answer.code) ?? 0) + 1);
      done += 1;
      progress.set(done);
    });
  }
  return { enrolled, refused, laterPurchases };
}

async function enrolOne(
  api: Api,
  user: string,
  wish: { readonly journey: string; readonly clock_domain: string },
): Promise<
  { readonly kind: 'run'; readonly run: EnrolmentView } | { readonly kind: 'refused'; readonly code: string }
> {
  const body = { ...wish, source: 'demo' };
  try {
    const run = await api.post<EnrolmentView>(`/api/journeys/${encodeURIComponent(user)}/enroll`, body);
    return { kind: 'run', run };
  } catch (error) {
    // A rule of the API said no to this one person; anything else stops the demo.
    if (error instanceof ApiError && (error.status === 409 || error.status === 410)) {
      return { kind: 'refused', code: error.code ?? String(error.status) };
    }
    throw error;
  }
}
