import { testSampleRatio, type SampleRatio } from '../../../core/experiments/sample-ratio.js';
import type { ExposureView, SampleRatioView, SplitView } from './splits.dto.js';
import type { ArmCountRow, ExposureRow, SplitVersion } from './splits.repository.js';

const BASIS_POINTS = 100;

const text = (instant: number): string => new Date(instant).toISOString();

export const toExposureView = (row: ExposureRow): ExposureView => ({
  run_id: row.runId,
  user_id: row.userId,
  version: row.version,
  arm: row.arm,
  assigned_at: text(row.assignedAt),
  exposed_at: row.exposedAt === null ? null : text(row.exposedAt),
  exposed_by: row.exposedBy,
  delivery_id: row.deliveryId,
});

/** @param versions newest first, at least one */
export function toSplitView(
  stepId: string,
  versions: readonly SplitVersion[],
  counts: readonly ArmCountRow[],
): SplitView {
  const newest = versions[0]?.split.arms ?? [];
  const planned = versions.flatMap(({ split }) => split.arms.map(({ name }) => name));
  // In the order of the newest version; arms of a plan that nobody knows any more come last.
  const names = [...new Set([...planned, ...counts.map(({ arm }) => arm)])];
  return {
    step_id: stepId,
    arms: names.map((arm) => {
      const rows = counts.filter((row) => row.arm === arm);
      const weight = newest.find(({ name }) => name === arm)?.weight;
      return {
        arm,
        percent: weight === undefined ? null : weight / BASIS_POINTS,
        users_assigned: sum(rows, ({ assigned }) => assigned),
        users_exposed: sum(rows, exposedOf),
        by_delivery: sum(rows, ({ byDelivery }) => byDelivery),
        by_silence: sum(rows, ({ bySilence }) => bySilence),
      };
    }),
    sample_ratio: {
      assigned: toSampleRatioView(ratioOf(versions, counts, ({ assigned }) => assigned)),
      exposed: toSampleRatioView(ratioOf(versions, counts, exposedOf)),
    },
  };
}

const exposedOf = ({ byDelivery, bySilence }: ArmCountRow): number => byDelivery + bySilence;

const sum = (rows: readonly ArmCountRow[], of: (row: ArmCountRow) => number): number =>
  rows.reduce((all, row) => all + of(row), 0);

function ratioOf(
  versions: readonly SplitVersion[],
  counts: readonly ArmCountRow[],
  of: (row: ArmCountRow) => number,
): SampleRatio {
  const drawn = counts.filter(({ isMoved }) => !isMoved);
  const groups = versions.map(({ version, split }) =>
    split.arms.map(({ name, weight }) => ({
      weight,
      units: sum(
        drawn.filter((row) => row.version === version && row.arm === name),
        of,
      ),
    })),
  );
  return testSampleRatio(groups);
}

const toSampleRatioView = (ratio: SampleRatio): SampleRatioView =>
  ratio.kind === 'too_few'
    ? null
    : {
        chi_square: Number.isFinite(ratio.chiSquare) ? ratio.chiSquare : null,
        degrees_of_freedom: ratio.degreesOfFreedom,
        p_value: ratio.pValue,
        is_mismatch: ratio.isMismatch,
      };
