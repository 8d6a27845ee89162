import { Injectable } from '@nestjs/common';
import { Database } from '../../platform/database/database.js';
import type { Reach, Subject } from './preferences.js';

/** More than a person can choose among. */
const OFFERED_MAX = 50;
/** Of `template`: it is the current version. */
const IS_CURRENT = `not exists (
  select from message_templates newer where newer.key = template.key and newer.version > template.version)`;

/** Reads what the company sends, and on which channels; writes nothing. */
@Injectable()
export class PreferencesRepository {
  constructor(private readonly database: Database) {}

  /** What the current message templates need consent for. */
  offered(): Promise<readonly Subject[]> {
    return this.database.query<Subject>({
      name: 'preferences_offered',
      text: `select distinct purpose, channel, brand from message_templates template
        where legal_basis = 'consent' and ${IS_CURRENT}
        order by purpose, channel, brand limit ${OFFERED_MAX}`,
    });
  }

  /**
   * Where the person can be reached: on the channels of the current message templates, and where we know a number or a
   * device. E-mail is a choice on every page anyway.
   */
  async reach(userId: string): Promise<Reach> {
    const [row] = await this.database.query<Reach>({
      name: 'preferences_reach',
      text: `select preferred_channel as preferred, array(
          select channel from message_templates template where ${IS_CURRENT}
          union select 'sms' where person.phone is not null
          union select 'push' where exists (
            select from user_devices device where device.user_id = person.id and device.state = 'active')
        ) as channels from users person where id = $1`,
      values: [userId],
    });
    return row ?? { preferred: null, channels: [] };
  }
}
