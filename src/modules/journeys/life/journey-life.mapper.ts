import { toJourneyView } from '../definitions/journeys.mapper.js';
import type { JourneyRow } from '../definitions/journeys.repository.js';
import type { JourneyLifeView } from './journey-life.dto.js';
import type { LifeRow, ResumeRow } from './journey-life.repository.js';

type Progress = Pick<ResumeRow, 'runsTotal' | 'perSecond' | 'startedAt' | 'finishedAt'>;

const toProgress = ({ runsTotal, perSecond, startedAt, finishedAt }: Progress) => ({
  runs_total: runsTotal,
  per_second: perSecond,
  started_at: new Date(startedAt).toISOString(),
  finished_at: finishedAt === null ? null : new Date(finishedAt).toISOString(),
});

export const toJourneyLifeView = (journey: JourneyRow, { runsRunning, stop, wake }: LifeRow): JourneyLifeView => ({
  ...toJourneyView(journey),
  runs_running: runsRunning,
  stop: stop === null ? null : { runs_told: stop.runsTold, ...toProgress(stop) },
  wake: wake === null ? null : { runs_woken: wake.runsWoken, ...toProgress(wake) },
});
