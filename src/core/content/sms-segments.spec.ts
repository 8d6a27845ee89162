import fc from 'fast-check';
import { smsSegments, type SmsSegments } from './sms-segments.js';

const GSM = {
  /** 3GPP TS 23.038, table of section 6.2.1, by its codes: 0x00 to 0x7F, without the escape at 0x1B. */
  basic: [
    '@£$¥èéùìòÇ\nØø\rÅå',
    'Δ_ΦΓΛΩΠΨΣΘΞÆæßÉ',
    ' !"#¤%&\'()*+,-./',
    '0123456789:;<=>?',
    '¡ABCDEFGHIJKLMNO',
    'PQRSTUVWXYZÄÖÑÜ§',
    '¿abcdefghijklmno',
    'pqrstuvwxyzäöñüà',
  ].join(''),
  /** The same, table of section 6.2.1.1. */
  extension: '\f^{}\\[~]|€',
};

describe('smsSegments', () => {
  it('knows the whole default alphabet: 127 characters of one septet, 10 of two', () => {
    expect([...GSM.basic]).toHaveLength(127);
    for (const character of GSM.basic) expect(smsSegments(character)).toEqual(gsm(1, 1));
    for (const character of GSM.extension) expect(smsSegments(character)).toEqual(gsm(1, 2));
  });

  it('takes everything else as UCS-2', () => {
    for (const character of 'ç`ÁêŒ–’“…\t\u00a0\u001bшא') expect(smsSegments(character)).toEqual(ucs(1, 1));
    expect(smsSegments('😀')).toEqual(ucs(1, 2));
    expect(smsSegments('👩‍👩‍👧')).toEqual(ucs(1, 8));
  });

  // 140 bytes hold 160 septets or 70 units; a part of several has 134 bytes, 153 septets or 67 units (TS 23.040, 9.2.3.24.1).
  it.each<[string, string, SmsSegments]>([
    ['nothing', '', gsm(0, 0)],
    ['160 letters', 'a'.repeat(160), gsm(1, 160)],
    ['161 letters', 'a'.repeat(161), gsm(2, 161)],
    ['306 letters', 'a'.repeat(306), gsm(2, 306)],
    ['307 letters', 'a'.repeat(307), gsm(3, 307)],
    ['1,530 letters', 'a'.repeat(1_530), gsm(10, 1_530)],
    ['1,531 letters', 'a'.repeat(1_531), gsm(11, 1_531)],
    ['80 euro signs', '€'.repeat(80), gsm(1, 160)],
    ['81 euro signs', '€'.repeat(81), gsm(2, 162)],
    ['152 euro signs: 76 in each part, one septet of each stays empty', '€'.repeat(152), gsm(2, 304)],
    ['153 euro signs, which would fit if they could be torn apart', '€'.repeat(153), gsm(3, 306)],
    ['a euro sign across the border of two full parts', `${'a'.repeat(152)}€${'a'.repeat(152)}`, gsm(3, 306)],
    ['70 Cyrillic letters', 'ш'.repeat(70), ucs(1, 70)],
    ['71 Cyrillic letters', 'ш'.repeat(71), ucs(2, 71)],
    ['134 Cyrillic letters', 'ш'.repeat(134), ucs(2, 134)],
    ['135 Cyrillic letters', 'ш'.repeat(135), ucs(3, 135)],
    ['one letter outside the alphabet among 70', `${'a'.repeat(70)}ç`, ucs(2, 71)],
    ['35 emoji', '😀'.repeat(35), ucs(1, 70)],
    ['67 emoji, which would fit if they could be torn apart', '😀'.repeat(67), ucs(3, 134)],
  ])('counts %s', (_what, text, expected) => {
    expect(smsSegments(text)).toEqual(expected);
  });

  it('is what the best of all ways to cut the text needs', () => {
    const characters = [...GSM.basic, ...GSM.extension, 'ш', 'ç', '😀', '👍'];
    const letter = fc.oneof(
      { weight: 30, arbitrary: fc.constantFrom(...GSM.basic) },
      { weight: 10, arbitrary: fc.constantFrom('€', '[', '~') },
      { weight: 1, arbitrary: fc.constantFrom(...characters) },
    );
    fc.assert(
      fc.property(fc.array(letter, { maxLength: 400 }), fc.boolean(), (letters, isEmoji) => {
        const text = letters.join('') + (isEmoji ? '😀' : '');
        expect(smsSegments(text)).toEqual(slowly(text));
      }),
    );
  });
});

function gsm(segments: number, units: number): SmsSegments {
  return { encoding: 'gsm7', segments, units };
}
function ucs(segments: number, units: number): SmsSegments {
  return { encoding: 'ucs2', segments, units };
}

/** The same by bytes, and by trying every place where a part may end. */
function slowly(text: string): SmsSegments {
  const isGsm = [...text].every((character) => (GSM.basic + GSM.extension).includes(character));
  const bits = [...text].map((character) =>
    isGsm ? (GSM.extension.includes(character) ? 14 : 7) : 8 * Buffer.from(character, 'utf16le').length,
  );
  const sum = (sizes: readonly number[]): number => sizes.reduce((total, size) => total + size, 0);
  const units = sum(bits) / (isGsm ? 7 : 16);
  const describe = (segments: number): SmsSegments => (isGsm ? gsm(segments, units) : ucs(segments, units));
  if (text === '') return describe(0);
  if (sum(bits) <= 140 * 8) return describe(1);
  const bitsMax = isGsm ? Math.floor((134 * 8) / 7) * 7 : 134 * 8;
  const fewest = [0];
  for (let end = 1; end <= bits.length; end += 1) {
    let best = Number.POSITIVE_INFINITY;
    let size = 0;
    for (let start = end - 1; start >= 0; start -= 1) {
      size += bits[start] ?? 0;
      if (size > bitsMax) break;
      best = Math.min(best, (fewest[start] ?? 0) + 1);
    }
    fewest.push(best);
  }
  return describe(fewest.at(-1) ?? 0);
}
