import type { InstantMs } from '../../core/kernel/instant.js';
import type { SimulationHeadView, SimulationView } from './simulations.dto.js';
import type { SimulationHeadRow, SimulationRow } from './simulations.repository.js';

export function toHeadView(row: SimulationHeadRow): SimulationHeadView {
  const { id, journeyKey, version, compareWith, state, usersDone, usersTotal, request, fault } = row;
  return {
    id,
    journey: journeyKey,
    version,
    compare_with: compareWith,
    state,
    progress: { users_done: usersDone, users_total: usersTotal },
    ...request,
    fault,
    created_at: toText(row.createdAt),
    started_at: row.startedAt === null ? null : toText(row.startedAt),
    finished_at: row.finishedAt === null ? null : toText(row.finishedAt),
  };
}

export const toSimulationView = (row: SimulationRow): SimulationView => ({ ...toHeadView(row), result: row.result });

const toText = (at: InstantMs): string => new Date(at).toISOString();
