import fc from 'fast-check';

import { isYes, readKeyword, type Keyword } from './keyword.js';

const STOP_WORDS = ['STOP', 'STOPALL', 'UNSUBSCRIBE', 'CANCEL', 'END', 'QUIT', 'REVOKE', 'OPT OUT'];

describe('readKeyword', () => {
  it.each<[string, Keyword | null]>([
    ...STOP_WORDS.map((word): [string, Keyword] => [word, 'stop']),
    ...STOP_WORDS.map((word): [string, Keyword] => [word.toLowerCase(), 'stop']),
    ['STOP.', 'stop'],
    ['Stop!!', 'stop'],
    ['  stop \r\n', 'stop'],
    ['"Stop"', 'stop'],
    ['STOP \u{1F6D1}', 'stop'],
    ['ＳＴＯＰ', 'stop'],
    ['ｓｔｏｐ！', 'stop'],
    ['st\u200bop', 'stop'],
    ['opt-out', 'stop'],
    ['OptOut', 'stop'],
    ['Opt_Out.', 'stop'],
    ['opt  out', 'stop'],
    ['stop all', 'stop'],
    ['START', 'start'],
    ['start!', 'start'],
    [' Yes ', 'start'],
    ['ｙｅｓ', 'start'],
    ['unstop', 'start'],
    ['HELP', 'help'],
    ['help?', 'help'],
    ['info', 'help'],
    ['Please stop', 'maybe_stop'],
    ['stop texting me', 'maybe_stop'],
    ['STOP STOP STOP', 'maybe_stop'],
    ['un-stop', 'maybe_stop'],
    ["don't stop", 'maybe_stop'],
    ['I would like to unsubscribe', 'maybe_stop'],
    ['unsubscribe me please', 'maybe_stop'],
    ['cancel my subscription', 'maybe_stop'],
    ['I am opting out of this', 'maybe_stop'],
    ['take me off your list', 'maybe_stop'],
    ['Remove my number!', 'maybe_stop'],
    ['no more messages', 'maybe_stop'],
    ["don't text me again", 'maybe_stop'],
    ['Do not contact me', 'maybe_stop'],
    ['please end these messages', 'maybe_stop'],
    ['wrong number', 'maybe_stop'],
    ['Leave me alone', 'maybe_stop'],
    ['Arrêt', 'maybe_stop'],
    ['baja', 'maybe_stop'],
    ['I am unsubscribed, am I not', 'maybe_stop'],
    ['are you stopping now', 'maybe_stop'],
    ['please, cancelling it', 'maybe_stop'],
    ['I am quitting', 'maybe_stop'],
    ['consent revoked', 'maybe_stop'],
    ['opt me out', null],
    ['I opt out', 'maybe_stop'],
    ['opted-out', 'maybe_stop'],
    ['please end this text', 'maybe_stop'],
    ['end all of your annoying messages', 'maybe_stop'],
    ['I want it to end, no message', 'maybe_stop'],
    ['dont ever again text', 'maybe_stop'],
    ['Wrong -- number', 'maybe_stop'],
    ['START -- ', 'start'],
    ['', null],
    ['?!', null],
    ['thanks', null],
    ['yes please', null],
    ['y e s', null],
    ['starting tomorrow', null],
    ['yesterday', null],
    ['see you at the end of the week', null],
    ['the bus leaves from the quay', null],
    ['when does the shop open', null],
  ])('%j: %s', (text, expected) => {
    expect(readKeyword(text)).toBe(expected);
  });

  it('knows a stop word in any case, with anything around it that is neither letter nor digit', () => {
    const around = fc.stringMatching(/^[ \t\r\n.,;:!?"'()*~_-]{0,6}$/);
    const letters = fc
      .constantFrom(...STOP_WORDS)
      .chain((word) =>
        fc
          .array(fc.boolean(), { minLength: word.length, maxLength: word.length })
          .map((isLow) =>
            [...word].map((letter, index) => (isLow[index] === true ? letter.toLowerCase() : letter)).join(''),
          ),
      );
    fc.assert(
      fc.property(around, letters, around, (before, word, after) => {
        expect(readKeyword(`${before}${word}${after}`)).toBe('stop');
      }),
    );
  });

  it('tells a YES from the words that can only mean messages', () => {
    expect(['yes!', ' ＹＥＳ '].map(isYes)).toEqual([true, true]);
    expect(['START', 'unstop', 'yes please', ''].map(isYes)).toEqual([false, false, false, false]);
  });

  it('takes no words of a person for a permission', () => {
    fc.assert(
      fc.property(fc.constantFrom('START', 'YES', 'UNSTOP'), fc.stringMatching(/^[a-z]{1,8}$/), (word, more) => {
        expect(readKeyword(`${word} ${more}`)).not.toBe('start');
        expect(readKeyword(`${more}${word}`)).not.toBe('start');
      }),
    );
  });

  it('answers at once to a text without end', () => {
    expect(readKeyword(`${'do not '.repeat(100_000)}`)).toBeNull();
  });
});
