import type { OutcomeView } from './outcomes.dto.js';
import type { OutcomeRow } from './outcomes.repository.js';

export const toOutcomeView = (row: OutcomeRow): OutcomeView => ({
  id: row.id,
  delivery_id: row.deliveryId,
  kind: row.kind,
  at: new Date(row.at).toISOString(),
});
