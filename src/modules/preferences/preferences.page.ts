import type { PreferableChannel } from '../../core/content/content.js';
import { escapeHtml, type HtmlPage } from '../../platform/http/html-page.js';
import { blockWords } from './block-words.js';
import { liftableOf } from './blocks.js';
import type { Choice, Preferences } from './preferences.js';

/** Names of what is common; any other word stands for itself. */
const PURPOSES: Readonly<Record<string, string>> = {
  marketing: 'News and offers',
  newsletter: 'Newsletter',
  sale: 'Sale of your data',
  sharing: 'Sharing of your data for advertising',
  targeting: 'Advertising chosen by your data',
};
const CHANNELS: Readonly<Record<string, string>> = {
  email: 'by email',
  sms: 'by text message',
  push: 'as app notifications',
  in_app: 'in the app',
  whatsapp: 'by WhatsApp',
  phone: 'by telephone',
  post: 'by post',
  audience: 'on other platforms',
};
const BRAND_DEFAULT = 'default';

/**
 * What the form sends. The field of a choice is its key; a hidden one beside it carries what the page showed of it: the
 * key, `on` or `off`, and the statement behind it, or `-`.
 */
export const FIELDS = {
  marker: 'form',
  markerValue: 'preferences',
  shown: 'shown',
  choice: 'allow',
  objecting: 'objecting',
  objection: 'object',
  /** A suppression that the page said a new tick would end. */
  liftable: 'liftable',
  /** What was shown as preferred, and what is marked: a channel, or `NO_PREFERENCE`. */
  preferring: 'preferring',
  preferred: 'prefer',
};

/** Stands in the form for no channel. */
export const NO_PREFERENCE = 'none';

/**
 * The page with everything on it. It works without a script and needs no cookie: the address itself is the proof, so
 * there is nothing that another site could make a browser send along (no cross-site request forgery).
 *
 * @param isSaved whether it answers the form
 */
export function preferencesPage(preferences: Preferences, companyName: string, isSaved: boolean): HtmlPage {
  const company = escapeHtml(companyName);
  const { choices, isObjecting, optedOut, preferable } = preferences;
  const body = [
    `<h1>Your choices</h1>`,
    isSaved ? `<p class="said" role="status">Saved. ${outcome(preferences)}</p>` : '',
    `<p>You decide what ${company} may send you. A change counts from the moment you save it.</p>`,
    `<form method="post">`,
    `<input type="hidden" name="${FIELDS.marker}" value="${FIELDS.markerValue}">`,
    `<fieldset><legend>You may send me</legend>`,
    ...choices.map((choice, index) => choiceRow(choice, index, company)),
    ...liftables(choices),
    `</fieldset>`,
    `<fieldset><legend>All marketing</legend>${objectionRow(isObjecting)}</fieldset>`,
    `<fieldset aria-describedby="preferred-note"><legend>Where I would rather hear from you</legend>`,
    preferredNote(preferences),
    ...[null, ...preferable].map((channel) => preferableRow(channel, preferences)),
    `</fieldset>`,
    `<button type="submit">Save my choices</button>`,
    `</form>`,
    optedOut.length === 0 ? '' : optOuts(optedOut),
    `<p class="quiet" style="margin-top:1.5rem">${allTheSame(preferences)}</p>`,
  ];
  return { status: 200, title: `Your choices: ${companyName}`, body: body.filter((part) => part !== '').join('\n') };
}

/** The link is not ours, or its person is gone: nothing is told about which. */
export const unknownPage = (): HtmlPage => ({
  status: 404,
  title: 'Link not valid',
  body: `<h1>This link is not valid</h1>
<p>Nothing was changed. Please use the link in the message again; it may have been cut when it was copied.</p>`,
});

/** What was sent is not our form: an empty one must not be read as a refusal of everything, or as a permission. */
export const unreadablePage = (): HtmlPage => ({
  status: 400,
  title: 'Not understood',
  body: `<h1>That could not be read</h1>
<p>Nothing was changed. Please go back, load the page again, and save your choices once more.</p>`,
});

function outcome(preferences: Preferences): string {
  const { preferred, isObjecting } = preferences;
  const permitted = permission(preferences);
  return preferred === null || isObjecting ? permitted : `${permitted} Preferred: ${channelWords(preferred)}.`;
}

/** Says of nothing that is blocked that it is allowed. */
function permission({ isObjecting, choices }: Preferences): string {
  if (isObjecting) return 'You get no marketing on any channel.';
  const ticked = choices.filter(({ isAllowed }) => isAllowed);
  const blocked = ticked.filter(({ blocks }) => blocks.length > 0).length;
  const allowed = ticked.length - blocked;
  const words = [allowed === 0 && blocked > 0 ? '' : allowedWords(allowed), blocked === 0 ? '' : blockedWords(blocked)];
  return words.filter((part) => part !== '').join(' ');
}

function allowedWords(count: number): string {
  if (count === 0) return 'None of the messages below are allowed.';
  return count === 1 ? 'One kind of message is allowed.' : `${count} kinds of messages are allowed.`;
}

const blockedWords = (count: number): string =>
  count === 1
    ? 'One kind of message is ticked, but blocked: it does not come. The reason is beside it.'
    : `${count} kinds of messages are ticked, but blocked: they do not come. The reason is beside each.`;

function allTheSame({ silent }: Preferences): string {
  const place = silent.map(channelWords).join(' or ');
  const but = place === '' ? '' : `, but not ${place} while that is blocked`;
  return `Messages that belong to something you ordered or asked for, such as a receipt, come all the same${but}.`;
}

/** What the page says that a tick ends, so that no page that did not say so ends it. */
const liftables = (choices: readonly Choice[]): readonly string[] =>
  [...new Set(choices.flatMap(({ blocks }) => liftableOf(blocks)))].map(
    (id) => `<input type="hidden" name="${FIELDS.liftable}" value="${escapeHtml(id)}">`,
  );

/** @param company escaped */
function choiceRow(choice: Choice, index: number, company: string): string {
  const { key, isAllowed, isPending, brand, recordId, blocks, channel } = choice;
  const shown = `${key} ${isAllowed ? 'on' : 'off'} ${recordId ?? '-'}`;
  const id = `choice-${index}`;
  const notes = [
    brand === BRAND_DEFAULT ? '' : `from ${escapeHtml(words(brand))}`,
    isPending ? 'not confirmed yet: see the mail that we sent you' : '',
  ].filter((note) => note !== '');
  const lines = [
    ...(notes.length === 0 ? [] : [notes.join('; ')]),
    ...blockWords(blocks, channel, company).map((words) => `<strong>Blocked</strong> ${words}`),
  ];
  const note = lines.length === 0 ? '' : `<p class="quiet" id="${id}-note">${lines.join('<br>')}</p>`;
  return `<div class="choice">
<input type="hidden" name="${FIELDS.shown}" value="${escapeHtml(shown)}">
<input type="checkbox" id="${id}" name="${FIELDS.choice}" value="${escapeHtml(key)}"${isAllowed ? ' checked' : ''}${note === '' ? '' : ` aria-describedby="${id}-note"`}>
<label for="${id}">${escapeHtml(nameOf(choice))}</label>${note}
</div>`;
}

function objectionRow(isObjecting: boolean): string {
  const note = isObjecting
    ? 'You object now. To end that, untick this and tick what you want above.'
    : 'Ticked, it outweighs every choice above.';
  return `<div class="choice">
<input type="hidden" name="${FIELDS.objecting}" value="${isObjecting ? 'yes' : 'no'}">
<input type="checkbox" id="objection" name="${FIELDS.objection}" value="yes"${isObjecting ? ' checked' : ''} aria-describedby="objection-note">
<label for="objection">I object to all marketing, on every channel</label>
<p class="quiet" id="objection-note">${note}</p>
</div>`;
}

const preferredNote = ({ preferred }: Preferences): string =>
  `<p class="quiet" id="preferred-note">A wish, for when there is more than one way to reach you. It permits nothing by itself: what you tick above decides that.</p>
<input type="hidden" name="${FIELDS.preferring}" value="${preferred ?? NO_PREFERENCE}">`;

function preferableRow(channel: PreferableChannel | null, { preferred }: Preferences): string {
  const id = `preferred-${channel ?? NO_PREFERENCE}`;
  return `<div class="choice">
<input type="radio" id="${id}" name="${FIELDS.preferred}" value="${channel ?? NO_PREFERENCE}"${channel === preferred ? ' checked' : ''}>
<label for="${id}">${channel === null ? 'No preference' : sentence(channelWords(channel))}</label>
</div>`;
}

function optOuts(purposes: readonly string[]): string {
  const items = purposes.map((purpose) => `<li>${escapeHtml(purposeName(purpose))}</li>`).join('');
  return `<h2 style="margin-top:1.5rem">You have opted out of</h2>\n<ul>${items}</ul>`;
}

const nameOf = ({ purpose, channel }: Choice): string => `${purposeName(purpose)} ${channelWords(channel)}`;

const channelWords = (channel: string): string => CHANNELS[channel] ?? `by ${words(channel)}`;

const purposeName = (purpose: string): string => PURPOSES[purpose] ?? sentence(words(purpose));

const sentence = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

const words = (word: string): string => word.replaceAll('_', ' ');
