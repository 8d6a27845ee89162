import { PREFERABLE_CHANNELS, type PreferableChannel } from '../../core/content/content.js';
import type { Shown, Submission, Wish } from './preferences.js';
import { FIELDS, NO_PREFERENCE } from './preferences.page.js';

const WORD = '[a-z][a-z0-9_]{0,31}';
const KEY = `${WORD} ${WORD} ${WORD}`;
const UUID = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}';
const SHOWN = new RegExp(`^(?<key>${KEY}) (?<box>on|off) (?<record>-|${UUID})$`);
const CHOICES_MAX = 200;
const IS_UUID = new RegExp(`^${UUID}$`);
const WISHES = new Map<string, PreferableChannel | null>([
  [NO_PREFERENCE, null],
  ...PREFERABLE_CHANNELS.map((channel) => [channel, channel] as const),
]);

/** @returns null for what is not the form of our page, whole and as we wrote it */
export function readSubmission(form: URLSearchParams): Submission | null {
  if (form.get(FIELDS.marker) !== FIELDS.markerValue) return null;
  const [texts, ticked, objecting] = [
    form.getAll(FIELDS.shown),
    form.getAll(FIELDS.choice),
    form.get(FIELDS.objecting),
  ];
  if (texts.length > CHOICES_MAX || (objecting !== 'yes' && objecting !== 'no')) return null;
  const shown = new Map(texts.map(readShown).filter((entry) => entry !== null));
  if (shown.size < texts.length || !ticked.every((key) => shown.has(key))) return null;
  const wished = readWish(form);
  if (wished === null) return null;
  return {
    ...wished,
    shown,
    ticked: new Set(ticked),
    wasObjecting: objecting === 'yes',
    isObjecting: form.get(FIELDS.objection) === 'yes',
    // What lies beyond is as if the page had not told of it: it stays.
    liftable: new Set(
      form
        .getAll(FIELDS.liftable)
        .filter((text) => IS_UUID.test(text))
        .slice(0, CHOICES_MAX),
    ),
  };
}

/** @returns no wish for a form without the field, or with nothing marked; null for what our page does not send */
function readWish(form: URLSearchParams): { readonly wish: Wish | null } | null {
  const [showns, markeds] = [form.getAll(FIELDS.preferring), form.getAll(FIELDS.preferred)];
  if (showns.length > 1 || markeds.length > showns.length) return null;
  const [[shown = null], [marked]] = [showns.map(toWish), markeds.map(toWish)];
  if ([...showns, ...markeds].some((text) => !WISHES.has(text))) return null;
  return { wish: marked === undefined ? null : { shown, marked } };
}

const toWish = (text: string): PreferableChannel | null => WISHES.get(text) ?? null;

function readShown(text: string): readonly [key: string, shown: Shown] | null {
  const { key, box, record } = SHOWN.exec(text)?.groups ?? {};
  if (key === undefined || record === undefined) return null;
  return [key, { isAllowed: box === 'on', recordId: record === '-' ? null : record }];
}
