import type { COMPILE_FAULTS } from '../../src/core/journeys/compile-faults.js';
import type { JourneyDefinition } from '../../src/core/journeys/definition.js';
import { end, journey } from './definitions.js';

/** What is wrong, a definition with this fault, the place of the fault, and its code. */
export type FaultyDefinition = [string, JourneyDefinition, string, keyof typeof COMPILE_FAULTS];

/** Faults in how people enter. */
export const FAULTY_ENTRIES: readonly FaultyDefinition[] = [
  ...(
    [
      ['a schedule without a time', { at: undefined }, ''],
      ['a schedule with two', { cron: '0 9 * * *' }, ''],
      ['a schedule on days and a day of the month', { weekdays: ['monday'], day_of_month: 1 }, ''],
      ['a schedule on the same day twice', { weekdays: ['monday', 'monday'] }, '.weekdays'],
      ['a schedule on the 32nd', { day_of_month: 32 }, '.day_of_month'],
      ['a schedule of four fields', { at: undefined, cron: '0 9 * *' }, '.cron'],
      ['a schedule at minute 60', { at: undefined, cron: '60 9 * * *' }, '.cron'],
      ['a schedule with a range backwards', { at: undefined, cron: '0 9 * * 5-1' }, '.cron'],
      ['a schedule in no zone', { time_zone: 'Mars/Olympus' }, '.time_zone'],
      [
        'a cron expression by the clocks of users',
        { at: undefined, cron: '0 9 * * *', time_zone: 'user' },
        '.time_zone',
      ],
      ['a schedule of nobody a second', { per_second: 0 }, '.per_second'],
      ['a schedule that spreads over 31 days', { spread: 'P31D' }, '.spread'],
    ] as const
  ).map(([what, part, place]): FaultyDefinition => [
    what,
    journey([end()], {
      triggers: [
        { kind: 'schedule', at: '09:00', time_zone: 'UTC', where: { kind: 'exists', attribute: 'email' }, ...part },
      ],
    }),
    `triggers[0]${place}`,
    'bad_trigger',
  ]),
  [
    'a trigger with a key in a journey for once',
    journey([end()], { triggers: [{ kind: 'event', event: 'bought', entry_key: 'message_id' }] }),
    'triggers[0].entry_key',
    'bad_trigger',
  ],
  [
    '21 triggers',
    journey([end()], { triggers: Array.from({ length: 21 }, () => ({ kind: 'event', event: 'bought' }) as const) }),
    'triggers',
    'bad_trigger',
  ],
  [
    'a trigger of an event without a name',
    journey([end()], { triggers: [{ kind: 'event', event: '' }] }),
    'triggers[0].event',
    'bad_text',
  ],
  [
    'a trigger whose key lies in the machinery of objects',
    journey([end()], {
      entry: { mode: 'parallel' },
      triggers: [{ kind: 'event', event: 'bought', entry_key: { property: '__proto__' } }],
    }),
    'triggers[0].entry_key.property',
    'bad_attribute',
  ],
  [
    'a condition of entry on a run',
    journey([end()], {
      entry: { mode: 'once', where: { kind: 'exists', attribute: 'run.responses.a' } },
    }),
    'entry.where',
    'bad_condition',
  ],
  ['limits on nothing', journey([end()], { entry: { mode: 'once', limits: {} } }), 'entry.limits', 'bad_entry_limits'],
  [
    'a limit of none',
    journey([end()], { entry: { mode: 'once', limits: { running: 0 } } }),
    'entry.limits.running',
    'bad_entry_limits',
  ],
  [
    'a cool-down without its mode',
    journey([end()], { entry: { mode: 'once', cool_down: 'P1D' } }),
    'entry.cool_down',
    'bad_cool_down',
  ],
  [
    'a cool-down that is no duration',
    journey([end()], { entry: { mode: 'after_exit', cool_down: '1d' } }),
    'entry.cool_down',
    'bad_duration',
  ],
];
