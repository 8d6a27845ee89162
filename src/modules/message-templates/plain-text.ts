// @ts-expect-error -- the package brings no types
import { compile } from 'html-to-text';

interface Picture {
  readonly attribs: Readonly<Record<string, string>>;
}
interface Builder {
  addInline(text: string): void;
}
type Compile = (options: {
  readonly wordwrap: false;
  readonly limits: { readonly maxDepth: number };
  readonly formatters: Readonly<Record<string, (element: Picture, walk: unknown, builder: Builder) => void>>;
  readonly selectors: readonly { readonly selector: string; readonly format?: string; readonly options?: object }[];
}) => (html: string) => string;

/** More than any mail nests; what lies deeper is left out. */
const DEPTH_MAX = 100;
const ROW = { leadingLineBreaks: 1, trailingLineBreaks: 1 };

const convert = (compile as Compile)({
  // A line break inside a link would end it.
  wordwrap: false,
  limits: { maxDepth: DEPTH_MAX },
  formatters: { alternative: (image, _walk, builder) => builder.addInline(image.attribs['alt'] ?? '') },
  selectors: [
    // Angle brackets tell where a URL ends, whatever follows it (RFC 3986, appendix C).
    { selector: 'a', options: { hideLinkHrefIfSameAsText: true, linkBrackets: ['<', '>'] } },
    { selector: 'img', format: 'alternative' },
    // In mails, tables are the frame of the page: each cell is a paragraph.
    { selector: 'td', format: 'block', options: ROW },
    { selector: 'th', format: 'block', options: ROW },
    // The line that mail programs show beside the subject.
    { selector: '[style*="display:none"]', format: 'skip' },
    { selector: 'title', format: 'skip' },
    ...['h1', 'h2', 'h3', 'h4', 'h5', 'h6'].map((selector) => ({ selector, options: { uppercase: false } })),
  ],
});

/** What an HTML page says, without its looks. Every link that can be seen stands in it, behind its text. */
export const plainText = (html: string): string => convert(html);
