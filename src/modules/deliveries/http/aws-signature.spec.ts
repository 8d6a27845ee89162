import { awsSigned } from './aws-signature.js';

const NOW = Date.UTC(2015, 7, 30, 12, 36, 0);
const KEY = {
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
  region: 'us-east-1',
  service: 'service',
};
const FORM = { 'Content-Type': 'application/x-www-form-urlencoded' };
const HOST = 'https://example.amazonaws.com/';

type Vector = readonly [string, 'GET' | 'POST', string, Readonly<Record<string, string>>, string, string];

/** Published by Amazon as the test suite of Signature Version 4. */
const VECTORS: readonly Vector[] = [
  ['get-vanilla', 'GET', HOST, {}, '', '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'],
  [
    ...(['get-vanilla-query-order-key-case', 'GET', `${HOST}?Param2=value2&Param1=value1`, {}, ''] as const),
    'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500',
  ],
  ['post-vanilla', 'POST', HOST, {}, '', '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b'],
  [
    ...(['post-header-key-sort', 'POST', HOST, { 'My-Header1': 'value1' }, ''] as const),
    'c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c',
  ],
  [
    ...(['post-header-value-case', 'POST', HOST, { 'My-Header1': 'VALUE1' }, ''] as const),
    'cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d',
  ],
  [
    ...(['post-x-www-form-urlencoded', 'POST', HOST, FORM, 'Param1=value1'] as const),
    'ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a',
  ],
];

describe('Signature Version 4', () => {
  it.each(VECTORS)('%s', (_name, method, url, headers, body, signature) => {
    const { authorization } = awsSigned({ method, url, headers, body }, KEY, NOW);
    expect(authorization).toContain('Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=');
    expect(authorization).toContain(`Signature=${signature}`);
  });

  it('is that of the example of the documentation', () => {
    const headers = awsSigned(
      {
        ...{ method: 'GET', url: 'https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08', body: '' },
        headers: { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' },
      },
      { ...KEY, service: 'iam' },
      NOW,
    );
    expect(headers).toEqual({
      'content-type': 'application/x-www-form-urlencoded; charset=utf-8',
      'x-amz-date': '20150830T123600Z',
      authorization:
        'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, ' +
        'SignedHeaders=content-type;host;x-amz-date, ' +
        'Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7',
    });
  });
});
