/** Channel by whose address a bare address is meant: telephone numbers are hashed as those of `sms`, whatever rings there. */
export const channelOf = (address: string): 'email' | 'sms' => (address.includes('@') ? 'email' : 'sms');
