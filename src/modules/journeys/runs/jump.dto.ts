import { z } from 'zod';
import { definitionKey, lineOfText } from '../../../platform/http/fields.js';

const REASON_MAX = 200;

export const JumpRequest = z
  .strictObject({
    step: definitionKey.meta({ description: 'a step of the version that the run is in' }),
    reason: lineOfText(REASON_MAX).meta({ description: 'for the audit log: no personal data' }),
    allow_repeat: z.boolean().default(false).meta({
      description: 'Lets the run come again to a message that it may have sent. Caps and gates apply as ever.',
    }),
  })
  .meta({ id: 'JumpRequest', example: { step: 'reminder', reason: 'wrong address corrected' } });
export type JumpRequest = z.infer<typeof JumpRequest>;
