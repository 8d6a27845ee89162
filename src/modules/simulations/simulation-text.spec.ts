import type { Differences, SimulationFigures } from './simulation-result.js';
import { toText } from './simulation-text.js';
import type { SimulationView } from './simulations.dto.js';

const FIGURES: SimulationFigures = {
  users: 1,
  users_missing: 0,
  decisions: 1,
  sent: 1,
  cost: 0,
  days: [],
  steps: {},
  paths: [],
  ends: [],
  caps: {},
  acts: {},
  goals: {},
};
const NOTHING: Differences = {
  sent: 0,
  cost: 0,
  silences: {},
  put_off: {},
  caps: {},
  days: [],
  steps: {},
  paths: [],
  ends: [],
};

function textOf(differences: Differences): string {
  const at = '2027-03-08T10:00:00.000Z';
  const view: SimulationView = {
    id: 'one',
    journey: 'hello',
    version: 1,
    compare_with: 2,
    state: 'done',
    progress: { users_done: 1, users_total: 1 },
    days: 30,
    seed: '1',
    events: 'none',
    fault: null,
    created_at: at,
    started_at: at,
    finished_at: at,
    result: {
      ...FIGURES,
      duration_ms: 1,
      assumptions: ['Nothing.'],
      comparison: { version: 2, differences, result: FIGURES },
    },
  };
  return toText(view);
}

describe('a comparison as text', () => {
  it('tells of each thing that differs, with its sign', () => {
    const text = textOf({
      sent: -2,
      cost: 0.5,
      silences: { CAP_REACHED: 3, CONSENT_MISSING: -1 },
      put_off: { CAP_REACHED: -4, QUIET_HOURS: 1 },
      caps: { 'weekly@1': { refused: 3, put_off: -4 } },
      days: [{ date: '2027-03-08', entered: 0, sent: -2, silences: 2, put_off: -3 }],
      steps: { m: { entered: 0, sent: -2, refused: 2, reasons: { CAP_REACHED: 3, CONSENT_MISSING: -1 } } },
      paths: [
        { steps: ['extra', 'm'], count: 5 },
        { steps: ['m'], count: -5 },
      ],
      ends: [{ outcome: 'completed', reason: 'won', count: -2 }],
    });
    const told = text.slice(text.indexOf('What version 2 changes'), text.indexOf('\n\nTaken for granted'));
    expect(told.split('\n')).toEqual([
      'What version 2 changes: sent -2; cost +0.5',
      '',
      'Changes by day (UTC)',
      '  date        entered  sent  silent  put off',
      '  2027-03-08        0    -2      +2       -3',
      '',
      'Changes by step',
      '  step  entered  sent  refused  why refused',
      '  m           0    -2       +2  CAP_REACHED +3, CONSENT_MISSING -1',
      '',
      'Changes by reason',
      '  reason           silent  put off',
      '  CAP_REACHED          +3       -4',
      '  CONSENT_MISSING      -1        0',
      '  QUIET_HOURS           0       +1',
      '',
      'Changes of caps in the way',
      '  cap       refused  put off',
      '  weekly@1       +3       -4',
      '',
      'Changes of ends',
      '  outcome    reason  runs',
      '  completed  won       -2',
      '',
      'Ways that change most',
      '  runs  steps',
      '    +5  extra > m',
      '    -5  m',
    ]);
  });

  it('leaves out what does not differ, and also understands a result that was stored before it told so much', () => {
    const { silences: _, put_off: __, caps: ___, paths: ____, ...stored } = NOTHING;
    const steps = { m: { entered: 1, sent: 1, refused: 0 } } as unknown as Differences['steps'];
    for (const differences of [NOTHING, stored as unknown as Differences]) {
      expect(textOf(differences)).toContain(
        '\n\nWhat version 2 changes: sent 0; cost 0\n\nTaken for granted\n  Nothing.\n',
      );
    }
    expect(textOf({ ...stored, steps } as unknown as Differences)).toContain('  m          +1    +1        0\n');
  });
});
