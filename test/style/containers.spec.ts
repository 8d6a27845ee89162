import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parse } from 'yaml';
import { settings } from '../../src/platform/config/settings.js';
import { readConfig } from '../../src/platform/config/config.js';
import { startMailbox } from '../../tools/mailbox/mailbox.js';

// No Docker engine runs where these files are written: what can be known without one is asked here.
interface Service {
  readonly image?: string;
  readonly build?: { readonly target: string };
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly healthcheck?: unknown;
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
}

const read = (file: string): string => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
const compose = parse(read('docker-compose.yml'), { merge: true }) as {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
};
const services = Object.entries(compose.services);
const instructions = read('Dockerfile')
  .replace(/\\\n/g, ' ')
  .split('\n')
  .filter((line) => /^[A-Z]/.test(line));
const stages = Map.groupBy(
  instructions.slice(1),
  (() => {
    let stage = '';
    return (line: string): string => (stage = /^FROM \S+ AS (\S+)/.exec(line)?.[1] ?? stage);
  })(),
);

describe('Dockerfile', () => {
  it('has the stages that compose builds', () => {
    const targets = services.flatMap(([, { build }]) => (build === undefined ? [] : [build.target]));
    expect(targets.sort()).toEqual(['api', 'mailbox', 'worker']);
    for (const target of targets) expect([...stages.keys()]).toContain(target);
  });

  it('builds on Debian slim, and each stage on the image or an earlier stage', () => {
    expect(instructions[0]).toMatch(/^ARG NODE_IMAGE=node:24-[a-z]+-slim$/);
    const known = ['${NODE_IMAGE}'];
    for (const [name, [from = '']] of stages) {
      expect(known).toContain(/^FROM (\S+)/.exec(from)?.[1]);
      known.push(name);
    }
  });

  it('copies only what is there, and what .dockerignore lets through', () => {
    const allowed = read('.dockerignore')
      .split('\n')
      .flatMap((line) => (line.startsWith('!') ? [line.slice(1)] : []));
    const sources = instructions
      .filter((line) => /^COPY (?!--from)/.test(line))
      .flatMap((line) => line.split(' ').slice(1, -1));
    expect(sources.length).toBeGreaterThan(5);
    for (const source of sources) {
      expect(existsSync(new URL(`../../${source}`, import.meta.url))).toBe(true);
      expect(allowed).toContain(source.split('/')[0]);
    }
    for (const line of instructions) {
      const stage = /^COPY --from=(\S+)/.exec(line)?.[1];
      if (stage !== undefined) expect([...stages.keys()]).toContain(stage);
    }
  });

  it.each(['api', 'worker', 'mailbox'])(
    '%s runs without root, with a health check and an entry that exists',
    (name) => {
      const own = stages.get(name) ?? [];
      const all = [...(stages.get('runtime') ?? []), ...own].join('\n');
      expect(all).toMatch(/^USER node$/m);
      expect(own.join('\n')).toMatch(/^HEALTHCHECK /m);
      const entry = /^CMD .*"([^"]+)"\]$/m.exec(own.join('\n'))?.[1] ?? '';
      const source = entry.replace(/^dist\//, '').replace(/\.js$/, '.ts');
      expect(existsSync(new URL(`../../${source}`, import.meta.url))).toBe(true);
    },
  );

  it.each(['api', 'worker'])('%s listens for its published port, and is in production, which demands keys', (name) => {
    const lines = [...(stages.get('runtime') ?? []), ...(stages.get(name) ?? [])];
    expect(lines.find((line) => line.endsWith(` AS ${name}`))).toMatch(/^FROM runtime /);
    const pairs = lines.filter((line) => line.startsWith('ENV ')).flatMap((line) => line.split(' ').slice(1));
    const environment = Object.fromEntries(pairs.map((pair) => pair.split('='))) as Record<string, string>;
    expect(environment).toMatchObject({ NODE_ENV: 'production', HOST: '0.0.0.0' });
    expect(() => readConfig({ ...environment, AUTH: 'none' })).toThrow(/AUTH: found "none"; expected required/);
  });

  it('asks the mailbox for its health by a name that it answers to', () => {
    expect(stages.get('mailbox')?.join('\n')).toMatch(/^HEALTHCHECK .*fetch\('http:\/\/127\.0\.0\.1:'/m);
  });
});

describe('the mailbox', () => {
  it('answers to names of this machine only, whatever it listens on', async () => {
    const dataDir = mkdtempSync(path.join(tmpdir(), 'tactful-containers-'));
    const mailbox = await startMailbox({ smtpPort: 0, httpPort: 0, dataDir, host: 'localhost' });
    const statusFor = (host: string): Promise<number | undefined> =>
      new Promise((resolve, reject) => {
        const sent = request(`${mailbox.inboxUrl}/api/health`, { headers: { host }, agent: false }, (response) => {
          resolve(response.resume().statusCode);
        });
        sent.once('error', reject).end();
      });
    expect(await statusFor('127.0.0.1:8025')).toBe(200);
    expect(await statusFor('localhost:8025')).toBe(200);
    expect(await statusFor('rebound.example.com:8025')).toBe(403);
    expect(await statusFor('mailbox:8025')).toBe(403);
    await mailbox.stop();
    rmSync(dataDir, { recursive: true });
  });
});

describe('docker-compose.yml', () => {
  it('holds every part', () => {
    expect(Object.keys(compose.services).sort()).toEqual(['api', 'mailbox', 'postgres', 'temporal', 'worker']);
  });

  it('says how to make each secret that it asks for', () => {
    const text = read('docker-compose.yml');
    const asked = new Set([...text.matchAll(/\$\{(\w+):\?/g)].map(([, name]) => name));
    const made = [...text.matchAll(/^# {3}echo "(\w+)=\$\(openssl rand -(?:base64|hex) 32\)" >> \.env$/gm)];
    expect(made.map(([, name]) => name)).toEqual([...asked]);
    expect(asked.size).toBe(2);
    expect(read('.gitignore').split('\n')).toContain('.env');
  });

  it.each(services)('%s listens on 127.0.0.1 only', (_, { ports = [] }) => {
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
  });

  it.each(services)('%s is waited for by its health', (name, { image, healthcheck, depends_on = {} }) => {
    if (image !== undefined) expect(healthcheck).toBeDefined(); // ours have theirs in the Dockerfile
    for (const [other, { condition }] of Object.entries(depends_on)) {
      expect(Object.keys(compose.services)).toContain(other);
      expect([name, condition]).toEqual([name, 'service_healthy']);
    }
  });

  it.each(services)('%s keeps its data in a named volume that is declared', (_, { volumes = [] }) => {
    for (const volume of volumes) expect(Object.keys(compose.volumes)).toContain(volume.split(':')[0]);
  });

  it('pins every foreign image', () => {
    for (const [, { image }] of services) if (image !== undefined) expect(image).toMatch(/:\d/);
  });

  it.each(['api', 'worker', 'mailbox'])('%s gets only settings that exist', (name) => {
    for (const variable of Object.keys(compose.services[name]?.environment ?? {})) {
      expect(Object.keys(settings)).toContain(variable);
    }
  });

  it.each(['api', 'worker'])('%s gets settings that the configuration accepts', (name) => {
    const environment = Object.entries(compose.services[name]?.environment ?? {}).map(([variable, value]) => [
      variable,
      value.startsWith('${') ? 'ab'.repeat(32) : value,
    ]);
    expect(readConfig(Object.fromEntries(environment))).toMatchObject({ auth: { mode: 'required' } });
  });

  it('starts Temporal with the search attributes and settings of `npm start`', () => {
    const flags = compose.services['temporal']?.command?.join(' ') ?? '';
    const source = read('tools/temporal.mjs');
    const attributes = [...source.matchAll(/^ {2}(\w+): (KEYWORD|INT),$/gm)];
    expect(attributes).toHaveLength(6);
    for (const [, attribute, type] of attributes) {
      expect(flags).toMatch(new RegExp(`--search-attribute=${attribute}=${type}( |$)`, 'i'));
    }
    for (const [, value = ''] of source.matchAll(/'--dynamic-config-value', '([^']+)'/g))
      expect(flags).toContain(value);
  });
});
