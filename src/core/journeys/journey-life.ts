/** Where a journey stands in its life. */
export type JourneyStatus = 'draft' | 'published' | 'paused' | 'draining' | 'stopped' | 'archived';

/** What may be asked of it; `run_dry` comes from the system, when a draining journey has no run left. */
export type JourneyMove = 'publish' | 'pause' | 'resume' | 'drain' | 'stop' | 'archive' | 'unarchive' | 'run_dry';

/** What a journey that stands there says to whoever wants in, or wants a move that leads nowhere. */
export type StatusRefusal =
  | 'JOURNEY_NOT_PUBLISHED'
  | 'JOURNEY_PUBLISHED'
  | 'JOURNEY_PAUSED'
  | 'JOURNEY_DRAINING'
  | 'JOURNEY_STOPPED'
  | 'JOURNEY_ARCHIVED';

/** Why nobody may enter now. */
export type EntryStatusRefusal = Exclude<StatusRefusal, 'JOURNEY_PUBLISHED'>;

/** What comes of a move; one that leads to where the journey is already changes nothing. */
export type Moved =
  | { readonly kind: 'moved'; readonly to: JourneyStatus }
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'forbidden'; readonly code: StatusRefusal };

/** Back to where it was before it was archived. */
const FORMER = 'former';

/**
 * Every move that there is. A stopped journey never lets anybody in again; a paused one that gets a new version stays
 * paused; to drain what has run dry, or to bring back what is not archived, was done before.
 */
export const JOURNEY_MOVES: Readonly<
  Record<JourneyStatus, Readonly<Partial<Record<JourneyMove, JourneyStatus | typeof FORMER>>>>
> = {
  draft: { publish: 'published', archive: 'archived', unarchive: 'draft' },
  published: { publish: 'published', resume: 'published', pause: 'paused', drain: 'draining', stop: 'stopped' },
  paused: { publish: 'paused', pause: 'paused', resume: 'published', drain: 'draining', stop: 'stopped' },
  draining: { drain: 'draining', stop: 'stopped', run_dry: 'stopped' },
  stopped: { drain: 'stopped', stop: 'stopped', archive: 'archived', unarchive: 'stopped' },
  archived: { archive: 'archived', unarchive: FORMER },
};

const REFUSALS: Readonly<Record<JourneyStatus, StatusRefusal>> = {
  draft: 'JOURNEY_NOT_PUBLISHED',
  published: 'JOURNEY_PUBLISHED',
  paused: 'JOURNEY_PAUSED',
  draining: 'JOURNEY_DRAINING',
  stopped: 'JOURNEY_STOPPED',
  archived: 'JOURNEY_ARCHIVED',
};

/** @param life.former where an archived journey was before; null for others */
export function moveJourney(
  { status, former }: { readonly status: JourneyStatus; readonly former: JourneyStatus | null },
  move: JourneyMove,
): Moved {
  const target = JOURNEY_MOVES[status][move];
  if (target === undefined) return { kind: 'forbidden', code: REFUSALS[status] };
  const to = target === FORMER ? (former ?? 'draft') : target;
  return to === status ? { kind: 'unchanged' } : { kind: 'moved', to };
}

/** Why nobody may enter a journey that stands there; null where they may. */
export function entryRefusalOf(status: JourneyStatus): EntryStatusRefusal | null {
  const refusal = REFUSALS[status];
  return refusal === 'JOURNEY_PUBLISHED' ? null : refusal;
}

/** The refusal in words. */
export function statusText(code: StatusRefusal): string {
  switch (code) {
    case 'JOURNEY_NOT_PUBLISHED':
      return 'the journey is not published';
    case 'JOURNEY_PUBLISHED':
      return 'the journey is published';
    case 'JOURNEY_PAUSED':
      return 'the journey is paused';
    case 'JOURNEY_DRAINING':
      return 'the journey lets nobody in any more';
    case 'JOURNEY_STOPPED':
      return 'the journey is stopped for good';
    case 'JOURNEY_ARCHIVED':
      return 'the journey is archived';
  }
}
