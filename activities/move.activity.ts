import { Context } from '@temporalio/activity';
import type { EventsService } from '../src/modules/events/index.js';
import type { MigrationMover } from '../src/modules/journeys/index.js';
import type {
  FoundEvent,
  JourneyActivities,
  MigrationActivities,
  MigrationRound,
  RecordMoveInput,
} from './contract.js';

export interface MoveDependencies {
  readonly mover: Pick<MigrationMover, 'tell' | 'record'>;
  readonly events: Pick<EventsService, 'findFirst'>;
}

export function createMoveActivities({
  mover,
  events,
}: MoveDependencies): Pick<JourneyActivities, 'recordMove'> & MigrationActivities {
  return {
    async recordMove({ run, exits, ...settling }: RecordMoveInput): Promise<FoundEvent | null> {
      const { runKey, userId, journeyVersion: version } = run;
      const until = await mover.record({ ...settling, runKey, version });
      if (exits === undefined || exits.events.length + exits.listeners.length === 0) return null;
      const { events: names, listeners, after } = exits;
      return events.findFirst({ userId, names, listeners, after, until, clockDomain: 'real' });
    },

    tellRuns: ({ migration, runsMax }): Promise<MigrationRound> =>
      mover.tell(migration, runsMax, () => Context.current().heartbeat()),
  };
}
