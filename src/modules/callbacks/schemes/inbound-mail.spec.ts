import fc from 'fast-check';
import { formFieldsOf, mailContent } from './inbound-mail.js';

const request = (type: string, body: string | Buffer) => ({
  url: 'https://us.example/callbacks/grid/x',
  headers: type === '' ? {} : { 'content-type': type },
  body: Buffer.from(body),
});
const multipart = (parts: readonly (readonly [head: string, content: string])[], boundary = 'b'): string =>
  [...parts.map(([head, content]) => `--${boundary}\r\n${head}\r\n\r\n${content}\r\n`), `--${boundary}--\r\n`].join('');
const named = (name: string): string => `Content-Disposition: form-data; name="${name}"`;

describe('formFieldsOf', () => {
  it('reads what is urlencoded', () => {
    const fields = formFieldsOf(request('application/x-www-form-urlencoded; charset=utf-8', 'a=1+2&b=%C3%BC&a=3'));
    expect(fields).toEqual({ a: '1 2', b: 'ü' });
  });

  it('reads what is multipart, and passes over files and what has no name', () => {
    const body = multipart([
      [named('subject'), 'Grüße\r\n\r\nzwei'],
      [`Content-Type: text/plain; charset=utf-8\r\n${named('to').toUpperCase().replace('TO', 'to')}`, 'a@b.example'],
      [`${named('attachment1')}; filename="a.txt"`, 'file'],
      [`${named('attachment2')}; filename*=UTF-8''a.txt`, 'file'],
      ['Content-Type: text/plain', 'nameless'],
      [named('subject'), 'again'],
    ]);
    const expected = { subject: 'Grüße\r\n\r\nzwei', to: 'a@b.example' };
    expect(formFieldsOf(request('multipart/form-data; boundary=b', body))).toEqual(expected);
    expect(formFieldsOf(request('Multipart/Form-Data; charset=utf-8; Boundary="b"', body))).toEqual(expected);
  });

  it('knows what is no form, and finds nothing in a broken one', () => {
    for (const type of ['', 'application/json', 'text/plain', 'multipart/mixed; boundary=b', 'multipart/form-data']) {
      expect(formFieldsOf(request(type, 'a=1'))).toBeNull();
    }
    for (const body of ['', '--b', '--b\r\n', '--b--', multipart([]), `--b\r\n${named('a')}`, 'a=1']) {
      expect([body, formFieldsOf(request('multipart/form-data; boundary=b', body))]).toEqual([body, {}]);
    }
  });

  it('reads every form that a library writes', async () => {
    const name = fc.stringMatching(/^[A-Za-z_-]{1,10}$/);
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(
          name,
          fc.string({ maxLength: 50 }).map((text) => text.replace(/\r\n|\r|\n/g, ' ')),
        ),
        async (fields) => {
          const form = new FormData();
          for (const [key, value] of Object.entries(fields)) form.append(key, value);
          const written = new Response(form);
          const type = written.headers.get('content-type') ?? '';
          const body = Buffer.from(await written.arrayBuffer());
          expect(formFieldsOf(request(type, body))).toEqual({ ...fields });
        },
      ),
    );
  });
});

describe('mailContent', () => {
  it('is known again by what makes it this mail, and shows nothing of it', () => {
    const one = mailContent('secret subject', '<id-1@example.org>', 'to@example.org');
    expect(one).toEqual(mailContent('secret subject', '<id-1@example.org>', 'to@example.org'));
    expect(one).not.toEqual(mailContent('secret subject', '<id-2@example.org>', 'to@example.org'));
    expect(one).toMatchObject({ kind: 'mail', mail: { subject: 'secret subject' }, event: { kind: 'inbound' } });
    expect(JSON.stringify(one.event)).not.toMatch(/secret|example/);
    expect(mailContent(undefined, 'x')).toMatchObject({ mail: { subject: '' } });
  });
});
