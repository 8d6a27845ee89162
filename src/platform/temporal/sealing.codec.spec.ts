import { randomBytes } from 'node:crypto';
import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import { SealingCodec, UnreadablePayloadError, type PayloadKeys } from './sealing.codec.js';

const WORKFLOW = { type: 'workflow', namespace: 'default', workflowId: 'one' } as const;
const VALUE = { plan: 'pro', steps: ['hello'] };

/** A key for each workflow. */
function makeKeys(): PayloadKeys & { readonly made: Map<string, Buffer> } {
  const made = new Map<string, Buffer>();
  return {
    made,
    keyFor(workflowId = 'nobody') {
      const key = made.get(workflowId) ?? randomBytes(32);
      made.set(workflowId, key);
      return Promise.resolve({ id: workflowId, key });
    },
    find: (id) => Promise.resolve(made.get(id) ?? null),
  };
}

const plain = (value: unknown): Payload => defaultPayloadConverter.toPayload(value);
const valueOf = (payload: Payload | undefined): unknown =>
  payload === undefined ? undefined : defaultPayloadConverter.fromPayload(payload);

describe('a sealed payload', () => {
  it('tells nothing but the name of its key, and opens again', async () => {
    const codec = new SealingCodec(makeKeys());
    const [sealed] = await codec.encode([plain(VALUE)], WORKFLOW);
    expect(JSON.stringify(sealed)).not.toContain('pro');
    expect(Buffer.from(sealed?.data ?? []).includes('hello')).toBe(false);
    expect(Object.keys(sealed?.metadata ?? {})).toEqual(['encoding', 'encryption-key-id']);
    expect(valueOf((await codec.decode(sealed === undefined ? [] : [sealed]))[0])).toEqual(VALUE);
  });

  it('keeps what the converter needs to know of it', async () => {
    const codec = new SealingCodec(makeKeys());
    const payloads = [plain(undefined), plain(null), plain(new Uint8Array([1, 2])), plain('')];
    const opened = await codec.decode(await codec.encode(payloads, WORKFLOW));
    expect(opened.map(valueOf)).toEqual([undefined, null, new Uint8Array([1, 2]), '']);
  });

  it('is another one each time', async () => {
    const codec = new SealingCodec(makeKeys());
    const [one, other] = await codec.encode([plain(VALUE), plain(VALUE)], WORKFLOW);
    expect(one?.data).not.toEqual(other?.data);
  });

  it('cannot be read once its key is destroyed', async () => {
    const keys = makeKeys();
    const codec = new SealingCodec(keys);
    const sealed = await codec.encode([plain(VALUE)], WORKFLOW);
    keys.made.delete('one');
    await expect(codec.open(sealed[0] ?? {})).rejects.toThrow(UnreadablePayloadError);
    expect(await codec.decode(sealed)).toEqual(sealed);
  });

  it.each([0, 12, 30])('is refused with byte %i changed', async (place) => {
    const codec = new SealingCodec(makeKeys());
    const [sealed] = await codec.encode([plain(VALUE)], WORKFLOW);
    const data = Buffer.from(sealed?.data ?? []);
    data.writeUInt8(data.readUInt8(place) ^ 1, place);
    await expect(codec.open({ ...sealed, data })).rejects.toThrow(UnreadablePayloadError);
  });

  it('is refused under the name of another key of the same bytes', async () => {
    const keys = makeKeys();
    const codec = new SealingCodec(keys);
    const [sealed] = await codec.encode([plain(VALUE)], WORKFLOW);
    const key = keys.made.get('one');
    if (key !== undefined) keys.made.set('two', key);
    const metadata = { ...sealed?.metadata, 'encryption-key-id': Buffer.from('two') };
    await expect(codec.open({ ...sealed, metadata })).rejects.toThrow(UnreadablePayloadError);
  });

  it.each([[{}], [{ data: Buffer.alloc(5) }]])('is refused when it is cut to %j', async (rest) => {
    const codec = new SealingCodec(makeKeys());
    const [sealed] = await codec.encode([plain(VALUE)], WORKFLOW);
    await expect(codec.open({ metadata: sealed?.metadata ?? null, ...rest })).rejects.toThrow(UnreadablePayloadError);
  });
});

it('leaves alone what was never sealed', async () => {
  const codec = new SealingCodec(makeKeys());
  const payload = plain(VALUE);
  expect(await codec.decode([payload])).toEqual([payload]);
});
