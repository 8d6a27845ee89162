import type { SimulationOrder } from './simulation-order.js';

const ALWAYS = [
  'Everybody enters once, whether or not they are or were in the journey.',
  'Whoever met an arm of a split in a real run up to the beginning stays in it; everybody else is drawn.',
  'The rules, actions and templates of now hold all the time; the kill switch is taken to be off.',
  'No sending domain is taken to be paused, also where one is now: nobody knows when it goes on.',
  'Profiles, consents and suppressions are those of now; nobody changes them but the journey itself.',
  'Contacts up to the beginning are those that were really made; later ones are those of the simulation alone.',
  'Other journeys are silent: conflicts with them, and messages that wait for the same opening, are left out.',
  'The provider takes every message at once, and every message can be rendered; nobody bounces or complains.',
  'Endpoints that are called and journeys that are started are counted and taken to succeed; nothing is answered.',
  'Operators neither pause nor end a run or the journey, and keep nobody from being contacted.',
  'Neither the condition of entry nor limits on entries keep anybody out.',
] as const;

/** What the figures take for granted, in sentences for whoever reads them. */
export function assumptionsOf({ events }: SimulationOrder): readonly string[] {
  switch (events.kind) {
    case 'none':
      return [...ALWAYS, 'Users do nothing: no event happens after the beginning.'];
    case 'history':
      return [...ALWAYS, 'Users do what they really did in the simulated days; what happened in them is known by now.'];
    case 'rates':
      return [...ALWAYS, 'Events are drawn by the seed, each at most once a day and user, and carry no properties.'];
  }
}
