import type { DecisionView, ExplanationView } from '../../src/modules/decisions/decisions.dto.js';
import type { DeliveryView } from '../../src/modules/deliveries/deliveries.dto.js';
import { listAll } from './api.js';
import { say, type Demo } from './context.js';
import type { EnrolResult } from './enrol.js';
import { readRuns, type Followed } from './follow.js';
import { countMails } from './inbox.js';
import { inboxReport, summaryTable } from './report.js';
import { checkInbox, chooseShowcases, summarise, type Records } from './summary.js';

/**
 * Tells what came of the runs: figures, the inbox, runs worth looking at.
 *
 * @returns whether the inbox holds what was sent, each mail once
 */
export async function tellOutcome(demo: Demo, followed: Followed, result: EnrolResult): Promise<boolean> {
  const records = await readRecords(demo, followed);
  say(demo, `\nWhat came of it\n\n${summaryTable(summarise(records))}\n`);
  const isInboxRight = await compareInbox(demo, records, result);
  await showRuns(demo, records);
  return isInboxRight;
}

/** How to watch runs that wait for real. */
export function tellHowToFollow(demo: Demo, journey: string): void {
  const { baseUrl, temporalUiUrl, temporalNamespace } = demo.options;
  const query = encodeURIComponent(`JourneyKey="${journey}" and ExecutionStatus="Running"`);
  say(
    demo,
    `The runs go on by themselves, also after a restart. To follow them:
  all of them      ${new URL(`/namespaces/${temporalNamespace}/workflows?query=${query}`, temporalUiUrl).href}
  what they await  curl '${new URL(`/api/runs?journey=${journey}&clock_domain=real&state=waiting`, baseUrl).href}'
  a purchase ends  curl -X POST ${new URL('/api/events', baseUrl).href} -H 'content-type: application/json' \\
                     -d '{"user_id": "<user_id of a run>", "event_name": "purchase"}'
  the figures      npm run demo -- --real-time
`,
  );
}

async function readRecords({ api }: Demo, followed: Followed): Promise<Records> {
  const runs = await readRuns(api, followed);
  const keys = new Set(runs.map(({ run_key }) => run_key));
  // Ids grow with time, and nothing about a run is older than the run.
  const first = [...followed.runIds].sort()[0] ?? '';
  const isRecent = ({ id }: { readonly id: string | null }): boolean => id === null || id >= first;
  const domain = encodeURIComponent(followed.clockDomain);
  const decisions = await listAll<DecisionView>(api, '/api/decisions', isRecent);
  const deliveries = await listAll<DeliveryView>(api, `/api/deliveries?clock_domain=${domain}`, isRecent);
  return {
    runs,
    decisions: decisions.filter(({ run_key }) => run_key !== null && keys.has(run_key)),
    deliveries: deliveries.filter(({ run_key }) => keys.has(run_key)),
  };
}

async function compareInbox(demo: Demo, { deliveries }: Records, result: EnrolResult): Promise<boolean> {
  const { inboxUrl } = demo.options;
  if (inboxUrl === null) {
    say(demo, '  inbox: not compared, because SMTP_URL names a mail server of your own');
    return true;
  }
  const newRunKeys = new Set(result.enrolled.flatMap(({ run }) => (run.is_new ? [run.run_key] : [])));
  const mailsByDelivery = await countMails(inboxUrl);
  const { text, isFault } = inboxReport(checkInbox(deliveries, { mailsByDelivery, newRunKeys }));
  say(demo, `  inbox ${inboxUrl}: ${text}`);
  return !isFault;
}

async function showRuns(demo: Demo, records: Records): Promise<void> {
  const { temporalUiUrl, temporalNamespace, baseUrl } = demo.options;
  const showcases = chooseShowcases(records);
  if (showcases.length > 0) say(demo, '\nRuns worth looking at');
  for (const { title, run, decisionId } of showcases) {
    const path = `/api/decisions/${decisionId}/explain`;
    const { explanation } = await demo.api.get<ExplanationView>(path);
    const workflow = encodeURIComponent(run.workflow_id);
    say(
      demo,
      `
  ${title}
    ${explanation}
    run      ${new URL(`/namespaces/${temporalNamespace}/workflows/${workflow}`, temporalUiUrl).href}
    explain  ${new URL(path, baseUrl).href}`,
    );
  }
  say(demo, '');
}
