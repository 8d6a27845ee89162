import { classifySmtpError } from './smtp-errors.js';

const reply = (command: string, response: string) => ({
  code: command === 'DATA' ? 'EMESSAGE' : 'EENVELOPE',
  command,
  response,
  responseCode: Number(response.slice(0, 3)),
});

describe('classifySmtpError', () => {
  it.each<[string, string, string, boolean]>([
    ['550 at RCPT', 'RCPT TO', '550 no such user', true],
    ['a mailbox that is not local', 'RCPT TO', '551 user not local', true],
    ['a domain that takes no mail', 'RCPT TO', '556 no mail here', true],
    ['5.1.1 at RCPT, whatever the code', 'RCPT TO', '554 5.1.1 unknown', true],
    ['5.1.1 in a reply of several lines', 'RCPT TO', '550-5.1.1 The account\n550 5.1.1 does not exist', true],
    ['5.1.10 after the message', 'DATA', '550 5.1.10 null MX', true],
    ['a disabled mailbox', 'RCPT TO', '550 5.2.1 disabled', true],
    ['who sends, told at RCPT', 'RCPT TO', '550 5.7.1 your host is listed', false],
    ['a full mailbox', 'RCPT TO', '552 5.2.2 full', false],
    ['an unknown sender, told at RCPT', 'RCPT TO', '550 5.1.8 sender rejected', false],
    ['the sender', 'MAIL FROM', '550 5.1.1 unknown', false],
    ['the content', 'DATA', '550 looks like spam', false],
    ['the content, with words that look like a status', 'DATA', '554 see 5.1.1 of our rules', false],
    ['a transaction that failed', 'RCPT TO', '554 failed', false],
  ])('%s', (_what, command, response, isRecipientRefused) => {
    expect(classifySmtpError(reply(command, response), command === 'DATA')).toMatchObject({
      kind: 'rejected',
      refusedFor: isRecipientRefused ? 'recipient' : 'other',
    });
  });

  it('blames nobody for what never went onto the wire', () => {
    const malformed = classifySmtpError({ code: 'EENVELOPE', command: 'API' }, false);
    expect(malformed).toMatchObject({ kind: 'rejected', refusedFor: 'other' });
  });
});
