import { z } from 'zod';

const TEXT_MAX = 200;
const text = z.string().max(TEXT_MAX);

/** What a receipt states. The field order is of no importance: what is signed is its canonical JSON. */
const receiptFields = {
  receipt_version: z.literal(1),
  record_id: z.uuid(),
  user_id: z.uuid().meta({ description: 'Our id of the person; says nothing about who it is.' }),
  controller: text.meta({ description: 'The company that holds the consent.' }),
  purpose: text,
  channel: text,
  brand: text,
  status: text,
  basis: text,
  is_objection: z.boolean(),
  stated_at: text,
  received_at: text,
  expires_at: text.nullable(),
  source: text,
  text_version: text.nullable(),
  jurisdiction: text.nullable(),
  evidence_sha256: text.meta({ description: 'SHA-256, in hex, of the canonical JSON of the evidence.' }),
  clock_domain: text,
  key_id: text,
  signature: text.meta({ description: 'HMAC-SHA256, in base64url, of the canonical JSON of all other fields.' }),
};

export const ReceiptView = z.strictObject(receiptFields).meta({ id: 'ConsentReceipt' });
export type ReceiptView = z.infer<typeof ReceiptView>;

export const ReceiptCheck = z
  .strictObject({ receipt: ReceiptView })
  .meta({ id: 'ConsentReceiptCheck', description: 'A receipt, exactly as it was issued.' });
export type ReceiptCheck = z.infer<typeof ReceiptCheck>;

export const ReceiptVerdict = z
  .object({
    is_genuine: z.boolean().meta({ description: 'We signed it, and not one field was changed.' }),
    is_on_record: z.boolean().meta({
      description: 'The record still says the same. False after the person was erased: its words are gone.',
    }),
  })
  .meta({ id: 'ConsentReceiptVerdict' });
export type ReceiptVerdict = z.infer<typeof ReceiptVerdict>;
