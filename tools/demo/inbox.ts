const PAGE_SIZE = 500;

interface MailPage {
  readonly items: readonly { readonly message_id: string }[];
  readonly next_cursor: string | null;
}

/**
 * How many mails of the local inbox carry the id of each delivery: a Message-ID is `<delivery id@domain>`.
 *
 * @throws Error when the inbox does not answer
 */
export async function countMails(inboxUrl: string): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  for (let cursor: string | null = ''; cursor !== null;) {
    const query = new URLSearchParams({ limit: String(PAGE_SIZE), ...(cursor !== '' && { cursor }) });
    const answer = await fetch(new URL(`/api/messages?${query.toString()}`, inboxUrl));
    if (!answer.ok) throw new Error(`the inbox at ${inboxUrl} answered ${answer.status}`);
    const page = (await answer.json()) as MailPage;
    for (const { message_id } of page.items) {
      const id = deliveryIdOf(message_id);
      counts.set(id, (counts.get(id) ?? 0) + 1);
    }
    cursor = page.next_cursor;
  }
  return counts;
}

/** The delivery that a mail belongs to, from its Message-ID. */
export function deliveryIdOf(messageId: string): string {
  return messageId.replace(/^</, '').replace(/@.*$/, '');
}
