import fc from 'fast-check';
import {
  entryRefusalOf,
  JOURNEY_MOVES,
  moveJourney,
  statusText,
  type JourneyMove,
  type JourneyStatus,
} from './journey-life.js';

const STATUSES = ['draft', 'published', 'paused', 'draining', 'stopped', 'archived'] as const;
const MOVES = ['publish', 'pause', 'resume', 'drain', 'stop', 'archive', 'unarchive', 'run_dry'] as const;

/** Every move that changes something, as an operator would draw it. */
const DRAWN = [
  'draft publish published',
  'draft archive archived',
  'published pause paused',
  'published drain draining',
  'published stop stopped',
  'paused resume published',
  'paused drain draining',
  'paused stop stopped',
  'draining stop stopped',
  'draining run_dry stopped',
  'stopped archive archived',
  'archived unarchive draft',
  'archived unarchive stopped',
];

interface Life {
  readonly status: JourneyStatus;
  readonly former: JourneyStatus | null;
}

function after(life: Life, move: JourneyMove): Life {
  const moved = moveJourney(life, move);
  if (moved.kind !== 'moved') return life;
  return { status: moved.to, former: moved.to === 'archived' ? life.status : null };
}

const moves = fc.array(fc.constantFrom(...MOVES), { maxLength: 30 });
const draft: Life = { status: 'draft', former: null };

describe('the life of a journey', () => {
  it('knows the moves that are drawn, and no other', () => {
    const found = STATUSES.flatMap((status) =>
      (status === 'archived' ? (['draft', 'stopped'] as const) : [null]).flatMap((former) =>
        MOVES.flatMap((move) => {
          const moved = moveJourney({ status, former }, move);
          return moved.kind === 'moved' ? [`${status} ${move} ${moved.to}`] : [];
        }),
      ),
    );
    expect([...new Set(found)].sort()).toEqual([...DRAWN].sort());
  });

  it('changes nothing where a move is made again', () => {
    fc.assert(
      fc.property(moves, fc.constantFrom(...MOVES), (path, move) => {
        const life = path.reduce(after, draft);
        const moved = moveJourney(life, move);
        if (moved.kind !== 'moved' || move === 'run_dry') return;
        expect(moveJourney(after(life, move), move)).toEqual({ kind: 'unchanged' });
      }),
    );
  });

  it('never lets anybody in again once it was stopped, whatever is asked of it', () => {
    fc.assert(
      fc.property(moves, moves, (before, later) => {
        const stopped = after(before.reduce(after, draft), 'stop');
        if (stopped.status !== 'stopped') return;
        const end = later.reduce(after, stopped);
        expect(['stopped', 'archived']).toContain(end.status);
        expect(entryRefusalOf(end.status)).not.toBeNull();
      }),
    );
  });

  it('lets people in while it is published, and else says why not', () => {
    expect(STATUSES.filter((status) => entryRefusalOf(status) === null)).toEqual(['published']);
    for (const status of STATUSES) {
      const refusal = entryRefusalOf(status);
      if (refusal !== null) expect(statusText(refusal)).not.toBe('');
    }
  });

  it('names where it stands when it refuses a move', () => {
    expect(moveJourney({ status: 'published', former: null }, 'archive')).toEqual({
      kind: 'forbidden',
      code: 'JOURNEY_PUBLISHED',
    });
    expect(moveJourney({ status: 'stopped', former: null }, 'publish')).toMatchObject({ code: 'JOURNEY_STOPPED' });
    expect(moveJourney({ status: 'draft', former: null }, 'pause')).toMatchObject({ code: 'JOURNEY_NOT_PUBLISHED' });
  });

  it('leads from every state to every state that it can still come to: none is unreachable', () => {
    const reached = new Set<JourneyStatus>(['draft']);
    for (const status of reached) {
      for (const move of Object.keys(JOURNEY_MOVES[status]) as JourneyMove[]) {
        reached.add(after({ status, former: 'stopped' }, move).status);
      }
    }
    expect(reached.size).toBe(STATUSES.length);
  });
});
