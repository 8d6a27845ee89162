import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { METADATA_ENCODING_KEY, type Payload, type PayloadCodec, type SerializationContext } from '@temporalio/common';
import proto from '@temporalio/proto';

const ALGORITHM = 'aes-256-gcm';
const ENCODING = Buffer.from('binary/encrypted');
const KEY_ID = 'encryption-key-id';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Codecs of every client and worker of this process, the outermost last; none where histories are kept as they are. */
export const PAYLOAD_CODECS = Symbol('PAYLOAD_CODECS');

export interface PayloadKey {
  /** Stands in the clear beside the sealed payload. */
  readonly id: string;
  /** 32 bytes. */
  readonly key: Buffer;
}

/** Where keys of payloads come from. */
export interface PayloadKeys {
  /** @param workflowId undefined where it is not known whose payload it is */
  keyFor(workflowId: string | undefined): Promise<PayloadKey>;
  /** Null for a key that was destroyed, or never was. */
  find(id: string): Promise<Buffer | null>;
}

/** What was sealed cannot be read any more: its key was destroyed, or it was changed. */
export class UnreadablePayloadError extends Error {
  override readonly name = 'UnreadablePayloadError';
}

/**
 * Seals everything that a workflow keeps on the Temporal server (AES-256-GCM, RFC 5116): input, results, signals,
 * summaries. Search attributes stay readable, as the server sorts by them. A payload that is not sealed is taken as it
 * is, so that the codec can be switched on while runs are under way.
 */
export class SealingCodec implements PayloadCodec {
  constructor(private readonly keys: PayloadKeys) {}

  async encode(payloads: Payload[], context?: SerializationContext): Promise<Payload[]> {
    if (payloads.length === 0) return payloads;
    const key = await this.keys.keyFor(context?.workflowId);
    return payloads.map((payload) => seal(payload, key));
  }

  /** What cannot be opened stays sealed: a workflow that needs it fails its task, and its worker goes on with others. */
  decode(payloads: Payload[]): Promise<Payload[]> {
    return Promise.all(
      payloads.map((payload) =>
        this.open(payload).catch((error: unknown) => {
          if (error instanceof UnreadablePayloadError) return payload;
          throw error;
        }),
      ),
    );
  }

  /** @throws UnreadablePayloadError */
  async open(payload: Payload): Promise<Payload> {
    const id = sealedWith(payload);
    if (id === null) return payload;
    const key = await this.keys.find(id);
    if (key === null) throw new UnreadablePayloadError(`the key ${id} has been destroyed`);
    return open(payload, { id, key });
  }
}

function sealedWith({ metadata }: Payload): string | null {
  const encoding = metadata?.[METADATA_ENCODING_KEY];
  if (encoding === undefined || encoding === null || !ENCODING.equals(encoding)) return null;
  return Buffer.from(metadata?.[KEY_ID] ?? '').toString('utf8');
}

function seal(payload: Payload, { id, key }: PayloadKey): Payload {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(ALGORITHM, key, nonce).setAAD(Buffer.from(id));
  const plain = proto.temporal.api.common.v1.Payload.encode(payload).finish();
  const sealed = Buffer.concat([cipher.update(plain), cipher.final()]);
  return {
    metadata: { [METADATA_ENCODING_KEY]: ENCODING, [KEY_ID]: Buffer.from(id) },
    data: Buffer.concat([nonce, cipher.getAuthTag(), sealed]),
  };
}

function open({ data }: Payload, { id, key }: PayloadKey): Payload {
  const bytes = Buffer.from(data ?? []);
  const tag = bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES);
  try {
    const decipher = createDecipheriv(ALGORITHM, key, bytes.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
    decipher.setAAD(Buffer.from(id)).setAuthTag(tag);
    const plain = Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()]);
    return proto.temporal.api.common.v1.Payload.decode(plain);
  } catch (error) {
    throw new UnreadablePayloadError('a sealed payload was changed', { cause: error });
  }
}
