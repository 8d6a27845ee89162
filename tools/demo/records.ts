import type { ShopSession } from './online-shoppers.js';
import { fraction, inventFacts, ZONE_OF_REGION } from './synthetic.js';

const DAY_MS = 86_400_000;
const SOURCE = 'demo';

/** A body of `POST /api/users/batch`, one user. */
export interface UserRecord {
  readonly external_id: string;
  readonly email: string;
  readonly timezone: string;
  readonly lifecycle_stage: string;
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
}

/** One event of `POST /api/events`. */
export interface EventRecord {
  readonly user_id: string;
  readonly event_type: 'track';
  readonly event_name: string;
  readonly message_id: string;
  readonly timestamp: string;
  readonly properties: Readonly<Record<string, string | number | boolean>>;
  readonly clock_domain?: string;
}

/** One statement of `POST /api/consents/batch`. */
export interface ConsentRecord {
  readonly user_id: string;
  readonly channel: 'email';
  readonly status: 'granted' | 'withdrawn' | 'denied';
  readonly source: string;
  readonly stated_at: string;
  readonly expires_at?: string;
}

/** The company's own name for the person behind a session; another seed makes other people. */
function externalIdOf(seed: number, session: ShopSession): string {
  return `shopper-${seed}-${String(session.number).padStart(5, '0')}`;
}

/** How the API is told whom a request is about. */
export function referenceOf(seed: number, session: ShopSession): string {
  return `ext:${externalIdOf(seed, session)}`;
}

/** The person with everything that the session tells about them. */
export function toUser(seed: number, session: ShopSession): UserRecord {
  const externalId = externalIdOf(seed, session);
  return {
    external_id: externalId,
    email: `${externalId}@shop.example`,
    timezone: ZONE_OF_REGION[session.region] ?? 'UTC',
    lifecycle_stage: session.isPurchase ? 'customer' : 'visitor',
    attributes: {
      data_set: 'uci-468',
      session: session.number,
      product_pages: session.productPages,
      product_minutes: round(session.productSeconds / 60),
      page_value: round(session.pageValue),
      bounce_rate: session.bounceRate,
      exit_rate: session.exitRate,
      visitor_type: session.visitorType,
      traffic_type: session.trafficType,
      operating_system: session.operatingSystem,
      browser: session.browser,
      region: session.region,
      month: session.month,
      special_day: session.specialDay,
      is_weekend: session.isWeekend,
      has_bought: session.isPurchase,
    },
  };
}

/** What the person did in the session: one event for each kind of page that they saw, and the purchase if they bought. */
export function toEvents(seed: number, session: ShopSession, importedAt: number): readonly EventRecord[] {
  const endedAt = importedAt - inventFacts(seed, session.number).sessionAgeMs;
  const views: readonly (readonly [name: string, pages: number, seconds: number])[] = [
    ['account_view', session.accountPages, session.accountSeconds],
    ['information_view', session.informationPages, session.informationSeconds],
    ['product_view', session.productPages, session.productSeconds],
  ];
  const event = (name: string, properties: EventRecord['properties']): EventRecord => ({
    user_id: referenceOf(seed, session),
    event_type: 'track',
    event_name: name,
    message_id: messageIdOf(seed, session, name),
    timestamp: new Date(endedAt).toISOString(),
    properties,
  });
  return [
    ...views.flatMap(([name, pages, seconds]) => (pages > 0 ? [event(name, { pages, seconds: round(seconds) })] : [])),
    ...(session.isPurchase ? [event('purchase', { month: session.month })] : []),
  ];
}

/** What the person has said about marketing by e-mail: nothing, one statement, or a grant and its withdrawal. */
export function toConsents(seed: number, session: ShopSession, importedAt: number): readonly ConsentRecord[] {
  const daysAgo = (days: number): string => new Date(importedAt - days * DAY_MS).toISOString();
  const statement = (status: ConsentRecord['status'], days: number): ConsentRecord => ({
    user_id: referenceOf(seed, session),
    channel: 'email',
    status,
    source: SOURCE,
    stated_at: daysAgo(days),
  });
  const age = 60 + Math.floor(fraction(seed, 'consent-age', session.number) * 300);
  switch (inventFacts(seed, session.number).consent) {
    case 'granted':
      return [statement('granted', age)];
    case 'never_asked':
      return [];
    case 'withdrawn':
      return [statement('granted', age), statement('withdrawn', Math.floor(age / 3))];
    case 'denied':
      return [statement('denied', age)];
    case 'expired':
      return [{ ...statement('granted', age + 365), expires_at: daysAgo(Math.floor(age / 3)) }];
  }
}

/** The purchase that a person makes after all, in the virtual time of the demo; null for most. */
export function toLaterPurchase(
  seed: number,
  session: ShopSession,
  entry: { readonly at: number; readonly clockDomain: string },
): EventRecord | null {
  const { buysAfterMs } = inventFacts(seed, session.number);
  if (buysAfterMs === null) return null;
  return {
    user_id: referenceOf(seed, session),
    event_type: 'track',
    event_name: 'purchase',
    message_id: messageIdOf(seed, session, 'later-purchase'),
    timestamp: new Date(entry.at + buysAfterMs).toISOString(),
    properties: { synthetic: true },
    clock_domain: entry.clockDomain,
  };
}

/**
 * The sessions that a browse-abandonment journey is about, at most `count`, in an order made from the seed: products
 * seen, nothing bought. A larger count holds every session of a smaller one.
 */
export function chooseAbandoned(seed: number, sessions: readonly ShopSession[], count: number): readonly ShopSession[] {
  return sessions
    .filter(({ productPages, isPurchase }) => productPages > 0 && !isPurchase)
    .map((session) => ({ session, at: fraction(seed, 'enrol', session.number) }))
    .sort((left, right) => left.at - right.at)
    .slice(0, count)
    .map(({ session }) => session);
}

/** Fixed, so that the same event sent again has no effect. */
function messageIdOf(seed: number, session: ShopSession, name: string): string {
  return `demo:${externalIdOf(seed, session)}:${name}`;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
