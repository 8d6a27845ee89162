const URLS = /(?<![\p{L}\p{N}])https?:\/\/[^\s<>"\p{Cc}]+/giu;
/** At its end they belong to the sentence around an address, not to the address. */
const END = /[.,;:!?'’”»\]}]/;

/**
 * A text with other addresses in it. An address ends at a space or an angle bracket; the mark that ends a sentence and a
 * bracket that was not opened in it do not belong to it. Every other character stays.
 *
 * @param rewrite gets an address; what it answers with stands in its place
 */
export function rewriteText(text: string, rewrite: (url: string) => string): string {
  return text.replace(URLS, (found) => {
    const url = withoutEnd(found);
    return `${rewrite(url)}${found.slice(url.length)}`;
  });
}

function withoutEnd(found: string): string {
  let surplus = found.split(')').length - found.split('(').length;
  let end = found.length;
  for (; end > 0; end -= 1) {
    const last = found.charAt(end - 1);
    if (last === ')' && surplus > 0) surplus -= 1;
    else if (!END.test(last)) break;
  }
  return found.slice(0, end);
}
