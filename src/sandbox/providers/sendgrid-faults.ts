import { isEmail, isObject, isText } from '../wire.js';

/** One fault of a request, as the answer names it. */
export interface MailFault {
  readonly message: string;
  readonly field: string | null;
  readonly help: string | null;
}

const PERSONALIZATIONS_MAX = 1_000;
const RECIPIENTS_MAX = 1_000;
const CUSTOM_ARGS_BYTES_MAX = 10_000;
const HELP = 'http://sendgrid.com/docs/API_Reference/Web_API_v3/Mail/errors.html';
const HEADERS_RESERVED = new Set(
  'x-sg-id x-sg-eid received dkim-signature content-type content-transfer-encoding to from subject reply-to cc bcc'.split(
    ' ',
  ),
);

const fault = (field: string, message: string): MailFault => ({
  message,
  field,
  help: `${HELP}#message.${field.replace(/\.\d+/g, '')}`,
});

type Fields = Readonly<Record<string, unknown>>;

const objectsOf = (value: unknown): readonly Fields[] => (Array.isArray(value) ? value.filter(isObject) : []);

/** What the Mail Send endpoint would refuse; the fields are SendGrid's, the words are ours. */
export function mailFaults(mail: Fields): readonly MailFault[] {
  return [
    ...personalizationFaults(mail['personalizations']),
    ...fromFaults(mail['from']),
    ...subjectFaults(mail),
    ...contentFaults(mail),
    ...headerFaults(mail['headers'], 'headers'),
    ...customArgsFaults(mail['custom_args'], 'custom_args'),
  ];
}

function personalizationFaults(value: unknown): readonly MailFault[] {
  const blocks = objectsOf(value);
  if (blocks.length === 0) return [fault('personalizations', 'At least one personalization is required.')];
  if (blocks.length > PERSONALIZATIONS_MAX)
    return [fault('personalizations', `At most ${PERSONALIZATIONS_MAX} personalizations are allowed.`)];
  const count = blocks.reduce((sum, block) => sum + recipientsOf(block).length, 0);
  if (count > RECIPIENTS_MAX) return [fault('personalizations', `At most ${RECIPIENTS_MAX} recipients are allowed.`)];
  return blocks.flatMap((block, index) => blockFaults(block, `personalizations.${index}`));
}

function blockFaults(block: Fields, path: string): readonly MailFault[] {
  if (objectsOf(block['to']).length === 0) return [fault(`${path}.to`, 'The to array needs at least one address.')];
  const wrong = ['to', 'cc', 'bcc'].flatMap((name) =>
    objectsOf(block[name]).flatMap(({ email }, index) =>
      isEmail(email) ? [] : [fault(`${path}.${name}.${index}.email`, 'Does not contain a valid address.')],
    ),
  );
  const all = recipientsOf(block);
  const twice = all.find((address, index) => all.indexOf(address) !== index);
  return [
    ...wrong,
    ...(twice === undefined ? [] : [fault(path, `Each address may stand once among to, cc and bcc: ${twice}.`)]),
    ...headerFaults(block['headers'], `${path}.headers`),
    ...customArgsFaults(block['custom_args'], `${path}.custom_args`),
  ];
}

/** Lower-cased, of to, cc and bcc. */
export function recipientsOf(block: Fields): readonly string[] {
  return ['to', 'cc', 'bcc'].flatMap((name) => objectsOf(block[name]).map(({ email }) => String(email).toLowerCase()));
}

function fromFaults(from: unknown): readonly MailFault[] {
  if (!isObject(from)) return [fault('from', 'The from object is required and needs an email.')];
  return isEmail(from['email']) ? [] : [fault('from.email', 'Does not contain a valid address.')];
}

function subjectFaults(mail: Fields): readonly MailFault[] {
  const blocks = objectsOf(mail['personalizations']);
  const isCovered =
    isText(mail['template_id']) || (blocks.length > 0 && blocks.every(({ subject }) => isText(subject)));
  return isText(mail['subject']) || isCovered ? [] : [fault('subject', 'The subject is required.')];
}

function contentFaults(mail: Fields): readonly MailFault[] {
  const parts = objectsOf(mail['content']);
  if (parts.length === 0)
    return isText(mail['template_id']) ? [] : [fault('content', 'At least one content is required.')];
  const types = parts.map(({ type }) => String(type));
  const rank = (type: string): number => (type === 'text/plain' ? 0 : type === 'text/html' ? 1 : 2);
  const isOrdered = types.every(
    (type, index) => index === 0 || rank(types[index - 1] ?? type) < rank(type) || rank(type) === 2,
  );
  return [
    ...(isOrdered ? [] : [fault('content', 'text/plain comes first and once, then text/html once, then all others.')]),
    ...parts.flatMap(({ type, value }, index) => [
      ...(isText(type) ? [] : [fault(`content.${index}.type`, 'The content type is required.')]),
      ...(isText(value) ? [] : [fault(`content.${index}.value`, 'The content value needs at least one character.')]),
    ]),
  ];
}

function headerFaults(headers: unknown, path: string): readonly MailFault[] {
  if (!isObject(headers)) return [];
  return Object.keys(headers)
    .filter((name) => HEADERS_RESERVED.has(name.toLowerCase()))
    .map((name) => fault(path, `The header ${name} is reserved.`));
}

function customArgsFaults(value: unknown, path: string): readonly MailFault[] {
  if (!isObject(value)) return [];
  const notText = Object.entries(value).filter(([, text]) => typeof text !== 'string');
  if (notText.length > 0) return notText.map(([name]) => fault(`${path}.${name}`, 'Custom arguments are strings.'));
  const bytes = Buffer.byteLength(JSON.stringify(value));
  return bytes <= CUSTOM_ARGS_BYTES_MAX
    ? []
    : [fault(path, `Custom arguments are at most ${CUSTOM_ARGS_BYTES_MAX} bytes.`)];
}
