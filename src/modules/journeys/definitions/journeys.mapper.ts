import type { JourneyVersionView, JourneyView } from './journeys.dto.js';
import type { JourneyRow, JourneyVersionRow } from './journeys.repository.js';

const text = (instant: number): string => new Date(instant).toISOString();

export const toJourneyView = (journey: JourneyRow): JourneyView => ({
  id: journey.id,
  key: journey.key,
  name: journey.name,
  status: journey.status,
  status_since: text(journey.statusSince),
  status_by: journey.statusBy,
  status_reason: journey.statusReason,
  current_version: journey.currentVersion,
  definition: journey.definition,
  created_at: text(journey.createdAt),
  updated_at: text(journey.updatedAt),
});

export const toVersionView = (version: JourneyVersionRow): JourneyVersionView => ({
  version: version.version,
  content_hash: version.contentHash,
  definition: version.definition,
  published_at: text(version.publishedAt),
});
