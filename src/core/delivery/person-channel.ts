/**
 * Whether messages of a channel go to the person as such, named by our id, and to no address of theirs: an inbox, and a
 * system that is told about them. There the id stands in the place of the address and of its hash, and what would suppress
 * an address suppresses the person on that channel.
 */
export const isPersonChannel = (channel: string): boolean => channel === 'in_app' || channel === 'webhook';
