/** The form of a preference page as a browser sends it back: what it carries hidden, and the boxes that are ticked. */
export function formOf(page: string, ticked: readonly string[], isObjecting = false): string {
  const form = new URLSearchParams();
  for (const [, name = '', value = ''] of page.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]+)"/g)) {
    form.append(name, value);
  }
  for (const key of ticked) form.append('allow', key);
  if (isObjecting) form.append('object', 'yes');
  return form.toString();
}

/** The choices whose boxes a preference page shows ticked. */
export const ticks = (page: string): string[] =>
  [...page.matchAll(/<input type="checkbox"[^>]*value="([^"]+)"[^>]* checked/g)].map(([, key = '']) => key);
