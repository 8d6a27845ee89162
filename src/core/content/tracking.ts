/** What a message may tell us about its reader, and whether it does. */

/** Parameters by which a site tells where a visitor comes from. */
export const LABEL_NAMES = ['source', 'medium', 'campaign', 'term', 'content'] as const;

/** One of the five `utm_…` parameters, without its prefix. */
type LabelName = (typeof LABEL_NAMES)[number];

/** Fixed words, or words with places such as `{journey}` in them; null leaves a parameter out. */
export type Labels = Readonly<Record<LabelName, string | null>>;

/** What a template wants to learn. Part of its version, so that it never changes for a message that is out. */
export interface TrackingSettings {
  /** Links lead over us, so that a click is counted. */
  readonly links: boolean;
  /** A picture that nobody sees tells that the message was opened. */
  readonly opens: boolean;
  /** Links and labels in plain text too, where a long address can be seen and, in a text message, is paid for. */
  readonly text: boolean;
  /** Null: links get no labels. */
  readonly utm: Labels | null;
}

/** What a template gets that asks for nothing. */
export const NO_TRACKING: TrackingSettings = { links: false, opens: false, text: false, utm: null };

/** Labels where a template asks for them without saying which. */
export const DEFAULT_LABELS: Labels = {
  source: '{brand}',
  medium: '{channel}',
  campaign: '{journey}',
  term: null,
  content: '{template}',
};

/** From where a message comes, in the words that stand in its labels. */
export interface MessagePlace {
  readonly brand: string;
  readonly channel: string;
  readonly journey: string;
  readonly step: string;
  readonly template: string;
}

const PLACES = /\{(brand|channel|journey|step|template)\}/g;

/** Whether every brace of a label belongs to a place that is known. */
export const isLabel = (text: string): boolean => !/[{}]/.test(text.replace(PLACES, ''));

/** The labels of one message, filled in, in the order of `LABEL_NAMES`. */
export function labelsOf(
  labels: Labels | null,
  place: MessagePlace,
): readonly { readonly name: string; readonly value: string }[] {
  return LABEL_NAMES.flatMap((name) => {
    const text = labels?.[name] ?? null;
    if (text === null) return [];
    return [{ name: `utm_${name}`, value: text.replace(PLACES, (_, key: keyof MessagePlace) => place[key]) }];
  });
}

/**
 * Whether a message was tracked, and if not, why.
 * - `not_asked`: its template asks for nothing.
 * - `switched_off`: nobody in this installation is tracked in this way.
 * - `no_consent`: the person has not agreed to it.
 * - `too_long`: with the longer links it could not have been sent.
 * - `labels`: nothing comes back to us; the site is told where its visitors come from.
 */
export const TRACKING_RESULTS = [
  'not_asked',
  'switched_off',
  'no_consent',
  'too_long',
  'links',
  'opens',
  'links_and_opens',
  'labels',
] as const;

/** See `TRACKING_RESULTS`. */
export type TrackingResult = (typeof TRACKING_RESULTS)[number];

/** Whether such a message differs from the one that somebody gets who is not tracked. */
export const isTracked = (result: TrackingResult): boolean =>
  result === 'links' || result === 'opens' || result === 'links_and_opens' || result === 'labels';

/** Who has a say in it. */
export interface TrackingQuestion {
  readonly settings: TrackingSettings;
  /** What the installation allows; null where it names no purpose, so that nobody can have agreed. */
  readonly allowed: { readonly links: boolean; readonly opens: boolean } | null;
  readonly hasConsent: boolean;
}

/**
 * What becomes of a template's wish: the installation must allow it, and the person must have agreed. Labels need both a
 * purpose and a consent too: who has not agreed gets the message exactly as it was written.
 */
export function decideTracking({ settings, allowed, hasConsent }: TrackingQuestion): TrackingResult {
  const hasLabels = settings.utm !== null;
  if (!settings.links && !settings.opens && !hasLabels) return 'not_asked';
  const links = settings.links && allowed?.links === true;
  const opens = settings.opens && allowed?.opens === true;
  if (allowed === null || (!links && !opens && !hasLabels)) return 'switched_off';
  if (!hasConsent) return 'no_consent';
  if (links) return opens ? 'links_and_opens' : 'links';
  return opens ? 'opens' : 'labels';
}
