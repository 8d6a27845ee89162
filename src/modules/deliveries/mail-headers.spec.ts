import { mailHeaders } from './mail-headers.js';

const content = { channel: 'email', subject: 's', html: 'h', text: 't' } as const;
const message = { deliveryId: 'd', to: 'ada@example.org', content, unsubscribeUrl: 'https://us.example/u' };

describe('mailHeaders', () => {
  it('name the link first, then the mail, each in brackets', () => {
    expect(mailHeaders(message, 'us.example')['List-Unsubscribe']).toBe('<https://us.example/u>');
    const both = mailHeaders({ ...message, unsubscribeMailto: 'mailto:a@b.example?subject=x%20y' }, 'us.example');
    expect(both['List-Unsubscribe']).toBe('<https://us.example/u>, <mailto:a@b.example?subject=x%20y>');
    expect(both['List-Unsubscribe-Post']).toBe('List-Unsubscribe=One-Click');
  });

  it('name no mail where nothing is to be withdrawn', () => {
    const receipt = { ...message, unsubscribeUrl: null, unsubscribeMailto: 'mailto:a@b.example' };
    expect(mailHeaders(receipt, 'us.example')).toEqual({ 'X-Delivery-Id': 'd' });
  });

  it('leave the mail out where it would make the line longer than 998 characters', () => {
    const others = 'List-Unsubscribe: <https://us.example/u>, <>'.length;
    const line = (characters: number): string => {
      const unsubscribeMailto = 'm'.repeat(characters - others);
      return `List-Unsubscribe: ${mailHeaders({ ...message, unsubscribeMailto }, 'us.example')['List-Unsubscribe']}`;
    };
    expect(line(998)).toHaveLength(998);
    expect(line(999)).toBe('List-Unsubscribe: <https://us.example/u>');
  });
});
