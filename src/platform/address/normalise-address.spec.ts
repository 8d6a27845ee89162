import { AddressHasher } from './address-hash.js';
import { normaliseEmail, normalisePhone } from './normalise-address.js';

const hasher = new AddressHasher({ secrets: { current: { kid: 'k', key: new Uint8Array(32).fill(1) }, previous: [] } });

describe('normalised e-mail addresses', () => {
  it.each<[string, readonly string[]]>([
    [
      'jane.doe@example.com',
      [
        'Jane.Doe@Example.COM',
        '  jane.doe@example.com\r\n',
        '\u00a0JANE.DOE@EXAMPLE.COM\t',
        // Full-width letters in the domain.
        'jane.doe@\uff45xample.com',
        'jane.doe@example\u3002com',
      ],
    ],
    ["o'neil+news@sub.example.co.uk", ["O'Neil+News@Sub.Example.co.UK"]],
    [
      'info@xn--bcher-kva.example',
      [
        'info@bücher.example',
        'INFO@BÜCHER.EXAMPLE',
        // The same letter as u and a combining diaeresis.
        'info@bu\u0308cher.example',
        'info@XN--BCHER-KVA.example',
      ],
    ],
    ['a@xn--fiqs8s.xn--fiqs8s', ['A@中国.中国', 'a@中国。中国']],
    ['a@xn--strae-oqa.example', ['a@straße.example', 'A@STRAẞE.EXAMPLE']],
    ['k@example.com', ['\u212a@example.com']],
  ])('%s', (expected, writings) => {
    for (const writing of [expected, ...writings]) {
      expect(normaliseEmail(writing)).toBe(expected);
      expect(hasher.hash('email', writing)).toBe(hasher.hash('email', expected));
    }
  });

  it.each([
    '',
    ' ',
    'jane',
    'jane@',
    '@example.com',
    'jane@example',
    'jane@@example.com',
    'jane@exa mple.com',
    'ja ne@example.com',
    'jane..doe@example.com',
    'jane@example..com',
    'jane@-example.com',
    'jäne@example.com',
    'jane@example.com, joe@example.com',
    'Jane <jane@example.com>',
    'jane@\ud800.com',
    'jane@xn--a.ä\u0000.com',
    `${'a'.repeat(250)}@example.com`,
  ])('refuse %j', (text) => {
    expect(normaliseEmail(text)).toBeNull();
  });

  it('keep apart what may be two people', () => {
    const texts = ['a.b@example.com', 'ab@example.com', 'a.b+c@example.com', 'a.b@example.org', 'a.b@ss.example'];
    expect(new Set(texts.map((text) => hasher.hash('email', text))).size).toBe(texts.length);
  });
});

describe('normalised telephone numbers', () => {
  it.each<[string, readonly string[]]>([
    [
      '+12025550123',
      [
        ' +1 202 555 0123 ',
        '+1 (202) 555-0123',
        '+1.202.555.0123',
        '+1\u2011202\u2013555\u22120123',
        '0012025550123',
        'tel:+1-202-555-0123',
        '\uff0b\uff11\uff12\uff10\uff12\uff15\uff15\uff15\uff10\uff11\uff12\uff13',
        '+1\u00a0202/555/0123',
      ],
    ],
    ['+442079460123', ['+44 (0)20 7946 0123', '+44(0) 20 7946 0123', '0044 20 7946 0123']],
    ['+4930901820', ['+49 (0) 30 / 90 18 20', '+49 30 901820']],
  ])('%s', (expected, writings) => {
    for (const writing of [expected, ...writings]) {
      expect(normalisePhone(writing)).toBe(expected);
      expect(hasher.hash('sms', writing)).toBe(hasher.hash('sms', expected));
    }
  });

  it.each(['', '+', '202 555 0123', '+0123456789', '+123456', '+1234567890123456', '+1 202 CALL NOW', '++12025550123'])(
    'refuse %j',
    (text) => {
      expect(normalisePhone(text)).toBeNull();
    },
  );
});
