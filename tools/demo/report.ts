import { total, type InboxCheck, type Summary, type Tally } from './summary.js';

const NAME_WIDTH = 34;
const IDS_SHOWN_MAX = 5;

/** The table at the end of the demo. */
export function summaryTable(summary: Summary): string {
  const sections: readonly (readonly [title: string, count: number, parts: Tally])[] = [
    ['decided', summary.decided, []],
    ['sent', total(summary.sent), summary.sent],
    ['not sent, by state', total(summary.otherDeliveries), summary.otherDeliveries],
    ['silent, by reason', total(summary.silent), summary.silent],
    ['put off, by reason', total(summary.deferred), summary.deferred],
    ['waiting, by what for', total(summary.waiting), summary.waiting],
    ['ended, by how', total(summary.ended), summary.ended],
  ];
  const head = row(`runs`, summary.runs);
  return [head, ...sections.flatMap(([title, count, parts]) => sectionOf(title, count, parts))].join('\n');
}

function sectionOf(title: string, count: number, parts: Tally): readonly string[] {
  return [row(title, count), ...parts.map(([name, part]) => row(`  ${name}`, part))];
}

function row(name: string, count: number): string {
  return `  ${name.padEnd(NAME_WIDTH)} ${count.toLocaleString('en').padStart(8)}`;
}

/** Whether every mail arrived exactly once, in words; `isFault` when the promise was broken. */
export function inboxReport(check: InboxCheck): { readonly text: string; readonly isFault: boolean } {
  const { sent, missing, gone, repeated, unrecorded } = check;
  const faults = [
    ...(repeated.length > 0 ? [`${repeated.length} arrived more than once: ${some(repeated)}`] : []),
    ...(missing.length > 0 ? [`${missing.length} did not arrive: ${some(missing)}`] : []),
    ...(unrecorded.length > 0 ? [`${unrecorded.length} arrived but are recorded as failed: ${some(unrecorded)}`] : []),
  ];
  if (faults.length === 0 && sent === 0) return { text: 'no mail was sent yet', isFault: false };
  if (faults.length > 0) return { text: `FAULT: of ${sent} sent mails, ${faults.join('; ')}`, isFault: true };
  const arrived = (sent - gone.length).toLocaleString('en');
  const emptied = `${gone.length} of an earlier demo are gone: was the inbox emptied?`;
  const text =
    gone.length === 0
      ? `${arrived} sent, and each is in the inbox exactly once`
      : `${arrived} of ${sent.toLocaleString('en')} sent mails are in the inbox, each exactly once; ${emptied}`;
  return { text, isFault: false };
}

function some(ids: readonly string[]): string {
  const rest = ids.length - IDS_SHOWN_MAX;
  return `${ids.slice(0, IDS_SHOWN_MAX).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
}
