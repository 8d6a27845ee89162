import { createHash } from 'node:crypto';
import { Inject, Injectable, NotFoundException } from '@nestjs/common';
import { canonicalJson } from '../../core/kernel/canonical-json.js';
import { CONFIG } from '../../platform/config/config.module.js';
import type { Config } from '../../platform/config/config.js';
import { TokenSigner } from '../../platform/config/token-signer.js';
import { UsersService } from '../users/index.js';
import { toConsentView } from './consents.mapper.js';
import { ConsentsRepository, type ConsentRow } from './consents.repository.js';
import type { ReceiptVerdict, ReceiptView } from './receipts.dto.js';

type Statement = Omit<ReceiptView, 'key_id' | 'signature'>;

/** Proof of one statement that can be handed out, kept elsewhere, and checked by us at any later time. */
@Injectable()
export class ReceiptsService {
  private readonly signer: TokenSigner;

  constructor(
    private readonly consents: ConsentsRepository,
    private readonly users: UsersService,
    @Inject(CONFIG) private readonly config: Pick<Config, 'secrets' | 'company'>,
  ) {
    this.signer = new TokenSigner(config.secrets, 'consent-receipt');
  }

  /** @throws NotFoundException CONSENT_RECORD_UNKNOWN, GoneException USER_ERASED */
  async issue(recordId: string): Promise<ReceiptView> {
    const record = await this.consents.find(recordId);
    if (record === null) {
      throw new NotFoundException({ code: 'CONSENT_RECORD_UNKNOWN', detail: 'there is no such consent record' });
    }
    await this.users.resolve({ kind: 'id', id: record.userId });
    const statement = toStatement(record, this.config.company.name);
    const key_id = this.config.secrets.current.kid;
    const { signature } = this.signer.signText(canonicalJson({ ...statement, key_id }));
    return { ...statement, key_id, signature };
  }

  /** Checks a receipt. A secret that was dropped from the settings makes the receipts of its time unknown. */
  async verify({ signature, ...signed }: ReceiptView): Promise<ReceiptVerdict> {
    if (!this.signer.verify(canonicalJson(signed), signed.key_id, signature)) {
      return { is_genuine: false, is_on_record: false };
    }
    const record = await this.consents.find(signed.record_id);
    // The company may have changed its name since; the record has not.
    const now = record === null ? null : { ...toStatement(record, signed.controller), key_id: signed.key_id };
    return { is_genuine: true, is_on_record: now !== null && canonicalJson(now) === canonicalJson(signed) };
  }
}

function toStatement(record: ConsentRow, controller: string): Statement {
  const { id, evidence, ...view } = toConsentView(record);
  const evidenceHash = createHash('sha256').update(canonicalJson(evidence)).digest('hex');
  return { receipt_version: 1, record_id: id, controller, ...view, evidence_sha256: evidenceHash };
}
