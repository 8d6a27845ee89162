import fc from 'fast-check';
import { chooseLocale } from './choose-locale.js';

describe('chooseLocale', () => {
  it.each<[string | null, readonly string[], string | null]>([
    [null, ['fr'], null],
    ['fr', [], null],
    ['fr', ['fr', 'de'], 'fr'],
    ['pt-BR', ['pt', 'pt-BR'], 'pt-BR'],
    ['pt-BR', ['pt', 'fr'], 'pt'],
    ['pt-BR', ['pt-PT', 'fr'], null],
    ['pt', ['pt-BR'], null],
    ['pt-br', ['pt-BR'], 'pt-BR'],
    ['zh-Hant-TW', ['zh', 'zh-Hant'], 'zh-Hant'],
    ['zh-Hans-CN', ['zh-Hant', 'zh'], 'zh'],
    ['en-a-extend', ['en', 'en-a'], 'en'],
    ['', ['fr'], null],
  ])('gives %j of %j: %j', (wanted, offered, expected) => {
    expect(chooseLocale({ wanted, offered })).toBe(expected);
  });

  it('gives what is offered, a beginning of what is wanted, and the longest such', () => {
    const tag = fc
      .array(fc.constantFrom('pt', 'br', 'latn', 'x', 'de'), { minLength: 1, maxLength: 4 })
      .map((s) => s.join('-'));
    fc.assert(
      fc.property(tag, fc.uniqueArray(tag, { maxLength: 8 }), (wanted, offered) => {
        const fit = offered.filter((each) => each === wanted || (wanted.startsWith(`${each}-`) && !/-.$/.test(each)));
        const longest = fit.reduce<string | null>(
          (best, each) => (best === null || each.length > best.length ? each : best),
          null,
        );
        expect(chooseLocale({ wanted, offered })).toBe(longest);
      }),
    );
  });
});
