import { Injectable } from '@nestjs/common';
import { Database } from '../../platform/database/database.js';
import type { Subject } from './preferences.js';

/** More than a person can choose among. */
const OFFERED_MAX = 50;

/** Reads what the company sends; writes nothing. */
@Injectable()
export class PreferencesRepository {
  constructor(private readonly database: Database) {}

  /** What the current message templates need consent for. */
  offered(): Promise<readonly Subject[]> {
    return this.database.query<Subject>({
      name: 'preferences_offered',
      text: `select distinct purpose, channel, brand from message_templates template
        where legal_basis = 'consent' and not exists (
          select from message_templates newer where newer.key = template.key and newer.version > template.version)
        order by purpose, channel, brand limit ${OFFERED_MAX}`,
    });
  }
}
