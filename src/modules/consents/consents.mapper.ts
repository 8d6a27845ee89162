import type { ConsentView, ImportedConsent } from './consents.dto.js';
import type { ConsentRow, NewConsentRow } from './consents.repository.js';

const text = (at: number | null): string | null => (at === null ? null : new Date(at).toISOString());

export const toNewConsentRow = (input: ImportedConsent, userId: string): NewConsentRow => ({
  userId,
  purpose: input.purpose,
  channel: input.channel,
  brand: input.brand,
  status: input.status,
  basis: input.basis,
  jurisdiction: input.jurisdiction,
  statedAt: input.stated_at ?? null,
  expiresAt: input.expires_at,
  source: input.source,
  textVersion: input.text_version,
  evidence: input.evidence,
  isObjection: input.is_objection,
  clockDomain: input.clock_domain,
});

export const toConsentView = (record: ConsentRow): ConsentView => ({
  id: record.id,
  user_id: record.userId,
  purpose: record.purpose,
  channel: record.channel,
  brand: record.brand,
  status: record.status,
  basis: record.basis,
  jurisdiction: record.jurisdiction,
  stated_at: new Date(record.statedAt).toISOString(),
  received_at: new Date(record.receivedAt).toISOString(),
  expires_at: text(record.expiresAt),
  source: record.source,
  text_version: record.textVersion,
  evidence: record.evidence,
  is_objection: record.isObjection,
  clock_domain: record.clockDomain,
});
