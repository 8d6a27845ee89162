/** A cap as the API takes it. */
export interface CapDefinition {
  readonly scope:
    | { readonly kind: 'global' }
    | { readonly kind: 'channel'; readonly channel: string }
    | { readonly kind: 'journey'; readonly journey: string }
    | { readonly kind: 'tag'; readonly tag: string }
    | { readonly kind: 'group'; readonly group: string };
  readonly limit: number;
  readonly window:
    | { readonly kind: 'rolling' | 'min_gap'; readonly duration: string }
    | { readonly kind: 'calendar'; readonly unit: 'day' | 'week' | 'month' };
  readonly on_hit: string;
}

/** A contact that was made, or is thought of. Marketing by e-mail, all of them. */
export interface SeenContact {
  readonly at: number;
  readonly journey: string;
  readonly tags: readonly string[];
  readonly group: string | null;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/**
 * Whether one more contact stays within the rule, by counting; shares no line with the gate that it checks.
 *
 * @param before contacts that were made before this one, in any order; none of them given back
 * @param zone IANA; the person's only one
 */
export function hasRoom(rule: CapDefinition, before: readonly SeenContact[], one: SeenContact, zone: string): boolean {
  if (!isMeant(rule, one)) return true;
  let count = 0;
  for (const made of before) if (isMeant(rule, made) && isWithin(rule, made.at, one.at, zone)) count += 1;
  return count < (rule.window.kind === 'min_gap' ? 1 : rule.limit);
}

function isMeant({ scope }: CapDefinition, contact: SeenContact): boolean {
  if (scope.kind === 'channel') return scope.channel === 'email';
  if (scope.kind === 'journey') return scope.journey === contact.journey;
  if (scope.kind === 'tag') return contact.tags.some((tag) => tag === scope.tag);
  return scope.kind === 'global' || scope.group === contact.group;
}

function isWithin({ window }: CapDefinition, made: number, now: number, zone: string): boolean {
  if (window.kind === 'calendar') return bucket(window.unit, made, zone) === bucket(window.unit, now, zone);
  const age = now - made;
  return age >= 0 && age < lengthMs(window.duration);
}

/** Only the forms that the specs write: `PT6H`, `P3D`. */
function lengthMs(duration: string): number {
  const [, days, hours] = /^P(?:(\d+)D)?(?:T(\d+)H)?$/.exec(duration) ?? [];
  return Number(days ?? 0) * DAY_MS + Number(hours ?? 0) * HOUR_MS;
}

/** A name of the local day, of the week by its Monday, or of the month in which the instant lies. */
function bucket(unit: 'day' | 'week' | 'month', at: number, zone: string): string {
  const day = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short' }).format(at);
  if (unit === 'day') return day;
  if (unit === 'month') return day.slice(0, 7);
  const noon = new Date(`${day}T12:00:00Z`);
  const sinceMonday = (noon.getUTCDay() + 6) % 7;
  return new Date(noon.getTime() - sinceMonday * DAY_MS).toISOString().slice(0, 10);
}

/** The local hour of day, 0-23. */
export function localHour(at: number, zone: string): number {
  return Number(new Intl.DateTimeFormat('en-GB', { timeZone: zone, hour: '2-digit', hourCycle: 'h23' }).format(at));
}
