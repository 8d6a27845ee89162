import { z } from 'zod';
import { normalisePhone } from '../../platform/address/normalise-address.js';
import { instant, lineOfText } from '../../platform/http/fields.js';
import { pageFields, pageOf } from '../../platform/http/paging.js';

const MEANINGS = ['stop', 'start', 'help', 'maybe_stop'] as const;
const ADDRESS_MAX = 64;
const TEXT_MAX = 4_000;
const ID_MAX = 200;

/** A text message that a person sent to us. */
export const NewKeywordMessage = z
  .strictObject({
    from: z
      .string()
      .max(ADDRESS_MAX)
      .transform((text, context): string => {
        const normalised = normalisePhone(text);
        if (normalised === null) context.addIssue('a telephone number with its country (E.164)');
        return normalised ?? z.NEVER;
      })
      .meta({ example: '+12025550123' }),
    text: z.string().max(TEXT_MAX).meta({ example: 'STOP' }),
    message_id: lineOfText(ID_MAX).meta({
      description: "The provider's id of the message: the same id from the same number again changes nothing.",
      example: 'SM1138',
    }),
    received_at: instant.optional().meta({ description: 'When the provider got it; now when left out.' }),
  })
  .meta({ id: 'NewKeywordMessage' });
export type NewKeywordMessage = z.infer<typeof NewKeywordMessage>;

export const KeywordMessageView = z
  .object({
    id: z.uuid(),
    message_id: z.string(),
    meaning: z
      .enum(MEANINGS)
      .nullable()
      .meta({ description: 'Null: no keyword. `maybe_stop`: messages are blocked until a person has read it.' }),
    received_at: z.string(),
    user_ids: z.array(z.uuid()).meta({ description: 'Everybody with this number.' }),
    text: z.string().nullable().meta({ description: 'Only where a person has to read it.' }),
    reply: z.string().nullable().meta({ description: 'The one text to send back, if any. It is not sent from here.' }),
  })
  .meta({ id: 'KeywordMessage' });
export type KeywordMessageView = z.infer<typeof KeywordMessageView>;

export const KeywordQuery = z.strictObject({ ...pageFields, meaning: z.enum(MEANINGS).optional() });
export type KeywordQuery = z.infer<typeof KeywordQuery>;

export const KeywordPage = pageOf(KeywordMessageView);
