import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ServiceUnavailableException } from '@nestjs/common';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey } from 'jose';
import { OperatorTokens } from './operator-tokens.js';
import { tokenCommand } from './token-command.js';

const NOW = Date.now();
const secrets = { current: { kid: 'now', key: new Uint8Array(32).fill(1) }, previous: [] };
const auth = {
  mode: 'required',
  bootstrapApiKey: null,
  jwksUrl: null,
  jwtIssuer: 'tactful',
  jwtAudience: 'tactful',
} as const;
const own = { auth, secrets };

const command = (...args: string[]): Promise<string> => tokenCommand(args, { readConfig: () => own, now: NOW });

describe('the command that makes tokens', () => {
  it('makes one that is recognised, with its scopes and subject', async () => {
    const token = await command('--scope', 'users:read', '--scope', 'admin', '--subject', 'ada', '--ttl', '1h');
    const principal = await new OperatorTokens(own).recognise(token);
    expect(principal).toEqual({ name: 'operator:ada', scopes: new Set(['users:read', 'admin']) });
  });

  it('makes one that still holds after a change of SECRET_KEY, until the old one is dropped', async () => {
    const token = await command('--scope', 'admin');
    const next = { kid: 'next', key: new Uint8Array(32).fill(2) };
    const changed = { auth, secrets: { current: next, previous: [secrets.current] } };
    expect(await new OperatorTokens(changed).recognise(token)).not.toBeNull();
    expect(await new OperatorTokens({ auth, secrets: { current: next, previous: [] } }).recognise(token)).toBeNull();
  });

  it('says what is wrong with its arguments, and helps', async () => {
    await expect(command('--scope', 'everything')).rejects.toThrow(/--scope everything: not one of admin, users:read/);
    await expect(command('--scope', 'admin', '--ttl', 'long')).rejects.toThrow(/--ttl long: a duration such as/);
    await expect(command('--nonsense')).rejects.toThrow(/nonsense/);
    expect(await command()).toContain('usage: npm run token');
  });
});

describe('tokens of an identity provider', () => {
  let server: Server;
  let tokens: OperatorTokens;
  let privateKey: CryptoKey;
  let publicText: string;
  const issuer = 'https://id.example.com/';

  beforeAll(async () => {
    const pair = await generateKeyPair('RS256');
    privateKey = pair.privateKey;
    const jwk = { ...(await exportJWK(pair.publicKey)), kid: 'idp', alg: 'RS256', use: 'sig' };
    publicText = JSON.stringify(jwk);
    server = createServer((_request, response) => {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ keys: [jwk] }));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    tokens = new OperatorTokens(provider((server.address() as AddressInfo).port));
  });
  afterAll(async () => {
    await new Promise((resolve) => server.close(resolve));
  });

  const provider = (port: number) => ({
    auth: { ...auth, jwksUrl: `http://127.0.0.1:${port}/jwks`, jwtIssuer: issuer, jwtAudience: 'tactful' },
    secrets,
  });
  const claims = (more: object = {}) =>
    new SignJWT({ scope: 'users:read openid nonsense', ...more })
      .setIssuer(issuer)
      .setAudience('tactful')
      .setSubject('ada')
      .setExpirationTime('1h');

  it('are recognised by its public keys; scopes that we do not know mean nothing', async () => {
    const token = await claims().setProtectedHeader({ alg: 'RS256', kid: 'idp' }).sign(privateKey);
    expect(await tokens.recognise(token)).toEqual({ name: 'operator:ada', scopes: new Set(['users:read']) });
    const asList = await claims({ scope: undefined, scp: ['admin'] })
      .setProtectedHeader({ alg: 'RS256', kid: 'idp' })
      .sign(privateKey);
    expect(await tokens.recognise(asList)).toMatchObject({ scopes: new Set(['admin']) });
  });

  it('are refused when signed with the public key as a shared secret, with our own secret, or by a stranger', async () => {
    const stranger = await generateKeyPair('RS256');
    const confused = await claims()
      .setProtectedHeader({ alg: 'HS256', kid: 'idp' })
      .sign(new TextEncoder().encode(publicText));
    const ours = await command('--scope', 'admin');
    const foreign = await claims().setProtectedHeader({ alg: 'RS256', kid: 'idp' }).sign(stranger.privateKey);
    for (const token of [confused, ours, foreign]) expect(await tokens.recognise(token)).toBeNull();
  });

  it('are refused without an expiry or a subject', async () => {
    const header = { alg: 'RS256', kid: 'idp' };
    const endless = await new SignJWT({})
      .setIssuer(issuer)
      .setAudience('tactful')
      .setSubject('a')
      .setProtectedHeader(header)
      .sign(privateKey);
    const nameless = await new SignJWT({})
      .setIssuer(issuer)
      .setAudience('tactful')
      .setExpirationTime('1h')
      .setProtectedHeader(header)
      .sign(privateKey);
    for (const token of [endless, nameless]) expect(await tokens.recognise(token)).toBeNull();
  });

  it('cannot be judged while the provider is away: that is no refusal', async () => {
    const token = await claims().setProtectedHeader({ alg: 'RS256', kid: 'idp' }).sign(privateKey);
    await expect(new OperatorTokens(provider(1)).recognise(token)).rejects.toThrow(ServiceUnavailableException);
  });
});
