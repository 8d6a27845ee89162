import { z } from 'zod';
import { pageFields, pageOf } from '../../platform/http/paging.js';

const NAME_MAX = 253;

/** Name of a domain. */
export const domainName = z
  .string()
  .max(NAME_MAX)
  .regex(/^[a-z0-9.-]+$/, 'a domain in lower case')
  .meta({ example: 'example.com' });

export const SendingDomainFilter = z.strictObject(pageFields);
export type SendingDomainFilter = z.infer<typeof SendingDomainFilter>;

const counts = {
  taken: z.int().meta({ description: 'Messages that providers took, or whose recipient they refused.' }),
  bounced: z.int().meta({ description: 'Of these, those that came back for good.' }),
  complained: z.int(),
};

export const SendingDomainView = z
  .object({
    id: z.uuid(),
    domain: z.string(),
    state: z.enum(['active', 'slowed', 'paused']).meta({ description: 'Of marketing; all else goes on.' }),
    reason: z.enum(['complaints', 'bounces']).nullable(),
    since: z.iso.datetime(),
    window_hours: z.number().meta({ description: 'Messages sent within this time count.' }),
    volume_min: z.int().meta({ description: 'Of less nothing follows.' }),
    ...counts,
    complaint_rate: z
      .number()
      .meta({ description: 'Complaints for each message that was delivered.', example: 0.0004 }),
    bounce_rate: z.number().meta({ example: 0.012 }),
    accounts: z.array(z.object({ provider: z.string(), ...counts })),
  })
  .meta({ id: 'SendingDomain' });
export type SendingDomainView = z.infer<typeof SendingDomainView>;

export const SendingDomainPage = pageOf(SendingDomainView);
