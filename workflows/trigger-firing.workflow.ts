import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { proxyActivities, workflowInfo } from '@temporalio/workflow';
import type { BulkActivities } from '../activities/contract.js';
import { QUERY_OPTIONS } from './activity-options.js';
import type { TriggerFiringInput } from './messages.js';

/** The server tells every workflow of a schedule for when it was meant. */
const SCHEDULED_AT = defineSearchAttributeKey('TemporalScheduledStartTime', SearchAttributeType.DATETIME);

const { fireTrigger } = proxyActivities<BulkActivities>(QUERY_OPTIONS);

/** One firing of a schedule of a journey. However late it comes, it is the firing of its own instant. */
export async function triggerFiringWorkflow(input: TriggerFiringInput): Promise<void> {
  const { typedSearchAttributes, startTime } = workflowInfo();
  const scheduledAt = (typedSearchAttributes.get(SCHEDULED_AT) ?? startTime).getTime();
  await fireTrigger.executeWithOptions({ summary: 'order the enrolment' }, [{ ...input, scheduledAt }]);
}
