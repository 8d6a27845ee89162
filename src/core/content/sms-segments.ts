/** What a text costs and how a telephone network cuts it (3GPP TS 23.038 for the letters, TS 23.040 for the cutting). */
export interface SmsSegments {
  /** `gsm7` if every character is in the default alphabet or its extension, else `ucs2`. */
  readonly encoding: 'gsm7' | 'ucs2';
  /** Messages that the network carries; 0 for an empty text. */
  readonly segments: number;
  /** Septets in `gsm7`, where an extended character counts 2; 16-bit units in `ucs2`, where an emoji counts 2 or more. */
  readonly units: number;
}

/** Default alphabet, TS 23.038 section 6.2.1, in the order of its codes; 0x1B is no character but the escape. */
const BASIC =
  '@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà';
/** Default alphabet extension table, section 6.2.1.1: each takes the escape and a code. */
const EXTENDED = '\f^{}\\[~]|€';

const UNITS_OF = new Map([
  ...[...BASIC].map((character) => [character, 1] as const),
  ...[...EXTENDED].map((character) => [character, 2] as const),
]);

/** 140 bytes of user data; a part of several gives 6 of them to the header that puts them together again. */
const UNITS_MAX = { gsm7: { alone: 160, part: 153 }, ucs2: { alone: 70, part: 67 } } as const;

/**
 * Counts the segments of a text message.
 *
 * No escaped character and no surrogate pair is torn apart: what does not fit whole begins the next part.
 *
 * @example smsSegments('Hi') // { encoding: 'gsm7', segments: 1, units: 2 }
 */
export function smsSegments(text: string): SmsSegments {
  const characters = [...text];
  const isGsm = characters.every((character) => UNITS_OF.has(character));
  const encoding = isGsm ? 'gsm7' : 'ucs2';
  const sizes = characters.map((character) => (isGsm ? (UNITS_OF.get(character) ?? 0) : character.length));
  const units = sizes.reduce((sum, size) => sum + size, 0);
  const { alone, part } = UNITS_MAX[encoding];
  const segments = units === 0 ? 0 : units <= alone ? 1 : countParts(sizes, part);
  return { encoding, segments, units };
}

function countParts(sizes: readonly number[], unitsMax: number): number {
  let parts = 1;
  let filled = 0;
  for (const size of sizes) {
    if (filled + size > unitsMax) {
      parts += 1;
      filled = 0;
    }
    filled += size;
  }
  return parts;
}
