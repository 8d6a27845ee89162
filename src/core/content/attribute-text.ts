/** Names that stand for the characters of addresses. Of all others it is not told here what they mean. */
const NAMED: ReadonlyMap<string, string> = new Map([
  ...([
    ['amp', '&'],
    ['AMP', '&'],
    ['lt', '<'],
    ['LT', '<'],
    ['gt', '>'],
    ['GT', '>'],
  ] as const),
  ...([
    ['quot', '"'],
    ['QUOT', '"'],
    ['apos', "'"],
    ['equals', '='],
    ['num', '#'],
    ['quest', '?'],
  ] as const),
  ...([
    ['sol', '/'],
    ['colon', ':'],
    ['semi', ';'],
    ['comma', ','],
    ['period', '.'],
    ['percnt', '%'],
  ] as const),
  ...([
    ['plus', '+'],
    ['commat', '@'],
    ['lowbar', '_'],
  ] as const),
]);
/** Known without a semicolon too, as in the first versions of HTML. */
const NAMED_BARE: ReadonlySet<string> = new Set(['amp', 'AMP', 'lt', 'LT', 'gt', 'GT', 'quot', 'QUOT']);

const REFERENCE = /&(#[xX][0-9a-fA-F]+|#[0-9]+|[A-Za-z][A-Za-z0-9]*)(;?)(=?)/g;
/** Below are control characters, above what a browser replaces by something else. */
const POINT_MIN = 0x20;
const POINT_MAX = 0x10_ffff;

/**
 * What the value of an attribute says, with its character references resolved as browsers do (HTML, 13.2.5.72 and on):
 * `&copy=1` in an address is no ©, since a name without a semicolon does not count before `=`.
 *
 * @returns null where it holds a reference whose meaning is not certain here
 */
export function decodeAttribute(raw: string): string | null {
  let isCertain = true;
  const text = raw.replace(REFERENCE, (whole, name: string, semicolon: string, equals: string) => {
    const character = name.startsWith('#') ? numbered(name.slice(1)) : named(name, semicolon, equals);
    if (character === null) isCertain = false;
    return character === 'literal' || character === null ? whole : `${character}${equals}`;
  });
  return isCertain ? text : null;
}

function numbered(digits: string): string | null {
  const point = /^x/i.test(digits) ? Number.parseInt(digits.slice(1), 16) : Number.parseInt(digits, 10);
  const isOdd = (point >= 0x7f && point <= 0x9f) || (point >= 0xd800 && point <= 0xdfff);
  return point < POINT_MIN || point > POINT_MAX || isOdd ? null : String.fromCodePoint(point);
}

function named(name: string, semicolon: string, equals: string): string | null {
  if (semicolon === '') {
    if (equals !== '') return 'literal';
    return NAMED_BARE.has(name) ? (NAMED.get(name) ?? null) : null;
  }
  return NAMED.get(name) ?? null;
}

const ESCAPED: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  '`': '&#96;',
};

/** Text as it may stand in an attribute, in quotes of either kind, and without quotes where it holds no space. */
export const encodeAttribute = (text: string): string =>
  text.replaceAll(/[&<>"'`]/g, (character) => ESCAPED[character] ?? '');
