import { Injectable } from '@nestjs/common';
import { ALL } from '../../core/consent/consent-record.js';
import { foldConsent } from '../../core/consent/fold-consent.js';
import { GPC_PURPOSES, isGpc } from '../../core/consent/gpc.js';
import { UsersService, type UserReference } from '../users/index.js';
import { ConsentLedger, type Said, type Statement } from './consents.ledger.js';
import { ConsentsRepository } from './consents.repository.js';

const SOURCE = 'sec-gpc';

/** Opt-outs of the sale and sharing of personal data that a person's browser sends along with each request. */
@Injectable()
export class OptOuts {
  constructor(
    private readonly consents: ConsentsRepository,
    private readonly ledger: ConsentLedger,
    private readonly users: UsersService,
  ) {}

  /**
   * Takes note of a `Sec-GPC` header on a request about these people: once each, and whether or not the rest of the
   * request is accepted. Messages that they asked for are not concerned. Unknown people are left out.
   */
  async note(headerValue: string | readonly string[] | undefined, references: readonly UserReference[]): Promise<void> {
    if (!isGpc(headerValue)) return;
    const ids = await this.users.resolveMany(references);
    const known = [...new Set(ids.filter((id) => id !== null))];
    const missing = await this.consents.notOptedOut(known, GPC_PURPOSES);
    for (const userId of missing) await this.ledger.amend(userId, missingOptOuts);
  }
}

function missingOptOuts({ records, now }: Said): readonly Statement[] {
  return GPC_PURPOSES.flatMap((purpose): readonly Statement[] => {
    const subject = { purpose, channel: ALL, brand: ALL };
    if (foldConsent({ consents: records, ...subject, now })?.status === 'withdrawn') return [];
    return [{ ...subject, status: 'withdrawn', source: SOURCE, evidence: { header: 'Sec-GPC: 1' } }];
  });
}
