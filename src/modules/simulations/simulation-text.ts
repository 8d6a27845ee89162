import type { Differences, SimulationFigures } from './simulation-result.js';
import type { SimulationView } from './simulations.dto.js';

type Row = readonly (string | number)[];

/** A simulation for a person at a terminal: tables of plain text. */
export function toText(view: SimulationView): string {
  const { journey, version, state, progress, result } = view;
  const of = `${progress.users_done} of ${progress.users_total ?? '?'} users`;
  const head = `${journey}, ${version === null ? 'draft' : `version ${version}`}: ${state}, ${of}, ${view.days} days`;
  if (result === null) return `${head}\n`;
  const { comparison } = result;
  const parts = [
    head,
    figuresOf(result),
    ...(comparison === undefined
      ? []
      : [
          `Version ${comparison.version} for comparison`,
          figuresOf(comparison.result),
          differencesOf(comparison.version, comparison.differences),
        ]),
    ['Taken for granted', ...result.assumptions.map((text) => `  ${text}`)].join('\n'),
  ];
  return `${parts.join('\n\n')}\n`;
}

function figuresOf(figures: SimulationFigures): string {
  const { users, users_missing, decisions, sent, cost } = figures;
  const missing = users_missing === 0 ? '' : `, ${users_missing} missing`;
  return [
    `users ${users}${missing}; decisions ${decisions}; sent ${sent}; cost ${cost}`,
    section(
      'By day (UTC)',
      ['date', 'entered', 'sent', 'silent', 'put off', 'why'],
      figures.days.map((day) => [
        day.date,
        day.entered,
        Object.values(day.sent).reduce((total, actions) => total + sumOf(actions), 0),
        sumOf(day.silences),
        sumOf(day.put_off),
        reasons({ ...day.put_off, ...day.silences }),
      ]),
    ),
    section(
      'By step',
      ['step', 'entered', 'sent', 'refused', 'here at the end', 'went on to'],
      Object.entries(figures.steps).map(([id, step]) => [
        id,
        step.entered,
        step.sent,
        sumOf(step.refused),
        step.ended + step.unfinished,
        reasons(step.next),
      ]),
    ),
    section(
      'Ends',
      ['outcome', 'reason', 'runs'],
      figures.ends.map(({ outcome, reason, count }) => [outcome, reason, count]),
    ),
    section(
      'Caps in the way',
      ['cap', 'refused', 'put off'],
      Object.entries(figures.caps).map(([rule, { refused, put_off }]) => [rule, refused, put_off]),
    ),
    section(
      'Most frequent ways',
      ['runs', 'steps'],
      figures.paths.map(({ steps, count }) => [count, steps.join(' > ')]),
    ),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

/** Results that were stored earlier lack some of the parts. */
function differencesOf(version: number, differences: Differences): string {
  const { sent, cost, days, steps, ends } = differences;
  const { silences = {}, put_off: putOff = {}, caps = {}, paths = [] }: Partial<Differences> = differences;
  const names = [...new Set([...Object.keys(silences), ...Object.keys(putOff)])].sort();
  return [
    `What version ${version} changes: sent ${signed(sent)}; cost ${signed(cost)}`,
    section(
      'Changes by day (UTC)',
      ['date', 'entered', 'sent', 'silent', 'put off'],
      days.map((day) => [day.date, ...[day.entered, day.sent, day.silences, day.put_off].map(signed)]),
    ),
    section(
      'Changes by step',
      ['step', 'entered', 'sent', 'refused', 'why refused'],
      Object.entries(steps).map(([id, step]) => [
        id,
        ...[step.entered, step.sent, step.refused].map(signed),
        signedReasons(step),
      ]),
    ),
    section(
      'Changes by reason',
      ['reason', 'silent', 'put off'],
      names.map((name) => [name, signed(silences[name] ?? 0), signed(putOff[name] ?? 0)]),
    ),
    section(
      'Changes of caps in the way',
      ['cap', 'refused', 'put off'],
      Object.entries(caps).map(([rule, cap]) => [rule, signed(cap.refused), signed(cap.put_off)]),
    ),
    section(
      'Changes of ends',
      ['outcome', 'reason', 'runs'],
      ends.map(({ outcome, reason, count }) => [outcome, reason, signed(count)]),
    ),
    section(
      'Ways that change most',
      ['runs', 'steps'],
      paths.map(({ steps: way, count }) => [signed(count), way.join(' > ')]),
    ),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

const signedReasons = ({ reasons: counts = {} }: Partial<Differences['steps'][string]>): string =>
  Object.entries(counts)
    .map(([reason, count]) => `${reason} ${signed(count)}`)
    .join(', ');

const reasons = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts)
    .map(([reason, count]) => `${reason} ${count}`)
    .join(', ');

const sumOf = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((total, count) => total + count, 0);

const signed = (difference: number): string => (difference > 0 ? `+${difference}` : String(difference));

/** Numbers to the right, words to the left. */
function section(title: string, header: readonly string[], rows: readonly Row[]): string {
  if (rows.length === 0) return '';
  const widths = header.map((name, column) =>
    Math.max(name.length, ...rows.map((row) => String(row[column] ?? '').length)),
  );
  const line = (cells: Row): string =>
    cells
      .map((cell, column) => {
        const isNumber = rows.every((row) => /^[+-]?[\d.]+$/.test(String(row[column] ?? '')));
        const width = widths[column] ?? 0;
        return isNumber ? String(cell).padStart(width) : String(cell).padEnd(width);
      })
      .join('  ')
      .trimEnd();
  return [title, `  ${line(header)}`, ...rows.map((row) => `  ${line(row)}`)].join('\n');
}
