import { z } from 'zod';
import { clockDomain, definitionKey, lineOfText } from '../../../platform/http/fields.js';
import { EntryKey } from '../definitions/step-definition.dto.js';
import { RunView } from '../runs/runs.dto.js';

const SOURCE_MAX = 200;

export const Enrolment = z
  .strictObject({
    journey: definitionKey.meta({ description: 'key of a published journey' }),
    entry_key: EntryKey.optional().meta({
      description: 'what tells parallel runs of one user apart, e.g. an order id',
    }),
    source: lineOfText(SOURCE_MAX).default('api'),
    clock_domain: clockDomain,
  })
  .meta({ id: 'Enrolment' });
export type Enrolment = z.infer<typeof Enrolment>;

/** False in `is_new`: an earlier run already fills the place of this entry, and that run is shown. */
export const EnrolmentView = RunView.extend({ is_new: z.boolean() }).meta({ id: 'EnrolmentAnswer' });
export type EnrolmentView = z.infer<typeof EnrolmentView>;
