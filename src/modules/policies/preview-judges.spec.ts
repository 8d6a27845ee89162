import fc from 'fast-check';
import { candidate, decisionInput } from '../../../test/support/decision-input.js';
import { askFinalGates } from '../../core/decisions/final-gates.js';
import { DAY_MS } from '../../core/kernel/instant.js';
import { judgeOf } from './preview-judges.js';
import { PreviewRequest } from './preview.dto.js';
import type { PastContact } from './preview.repository.js';

const judge = (definition: object) => judgeOf(PreviewRequest.parse({ definition }).definition);
const place = { zones: ['UTC'], jurisdictions: [], placesElsewhere: [] };
const contact = (userId: string, purpose: string): PastContact => ({
  ...{ userId, purpose, decisionId: purpose, at: 0, channel: 'email', action: 'hello', group: null },
  ...{ journeyKey: null, tags: [], state: 'sent' },
});

describe('judgeOf', () => {
  it('holds out whom the gate of decisions holds out', () => {
    const shares = fc.integer({ min: 0, max: 20 }).map((twentieths) => twentieths / 20);
    let heldOut = 0;
    fc.assert(
      fc.property(fc.uuid(), fc.string({ minLength: 1, maxLength: 20 }), shares, (userId, text, share) => {
        const salt = `s${text.replaceAll(/[^a-z]/gi, '')}`;
        const past = { userId, place, outcomes: [], contacts: [contact(userId, 'marketing'), contact(userId, 'news')] };
        const stopped = judge({ kind: 'holdout', share, salt }).stopped(past);
        const asked = decisionInput({ holdouts: [{ id: 'h', version: 1, salt, share, purposes: ['marketing'] }] });
        const input = { ...asked, user: { ...asked.user, id: userId } };
        const gate = askFinalGates(input, candidate('hello'), new Map()).holdout;
        expect(stopped.map(({ purpose }) => purpose)).toEqual(gate.kind === 'pass' ? [] : ['marketing']);
        heldOut += stopped.length;
      }),
    );
    expect(heldOut).toBeGreaterThan(0);
  });

  it('knows how far back contacts and outcomes matter, and which outcomes', () => {
    const pause = { kind: 'pause', outcomes: ['dismissed', 'ignored'], count: 3, scope: 'action' };
    expect(judge({ ...pause, within: 'P7D', pause_for: 'P30D' })).toMatchObject({
      reachMs: 37 * DAY_MS,
      outcomes: ['dismissed', 'ignored'],
    });
    const fatigue = { kind: 'fatigue', half_life: 'P3D', contact_weight: 0.3, threshold: 0.5 };
    expect(judge({ ...fatigue, outcome_weights: { clicked: -1 } })).toMatchObject({
      reachMs: 24 * DAY_MS,
      outcomes: ['clicked'],
    });
    expect(judge({ kind: 'holdout', share: 1, salt: 'a' })).toMatchObject({ reachMs: 0, outcomes: [] });
  });
});
