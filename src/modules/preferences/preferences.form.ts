import type { Submission } from './preferences.js';
import { FIELDS } from './preferences.page.js';

const WORD = '[a-z][a-z0-9_]{0,31}';
const KEY = new RegExp(`^${WORD} ${WORD} ${WORD}$`);
const CHOICES_MAX = 200;

/** @returns null for what is not the form of our page, whole and as we wrote it */
export function readSubmission(form: URLSearchParams): Submission | null {
  if (form.get(FIELDS.marker) !== FIELDS.markerValue) return null;
  const [shown, ticked] = [form.getAll(FIELDS.shown), form.getAll(FIELDS.choice)];
  if (shown.length > CHOICES_MAX || !shown.every((key) => KEY.test(key))) return null;
  if (!ticked.every((key) => shown.includes(key))) return null;
  return { shown: new Set(shown), ticked: new Set(ticked), isObjecting: form.get(FIELDS.objection) === 'yes' };
}
