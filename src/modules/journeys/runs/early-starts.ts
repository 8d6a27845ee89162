/**
 * Part of a statement that makes starts due which wait for their instant: a run that is over needs no place until then.
 * Its start ends it, instead of beginning it, because the entry says so: whoever asks for this has set its
 * `exit_requested_at` in the same transaction, and so locked it. A start that is being delivered is left alone, or two
 * deliveries of it could answer differently.
 *
 * @param ended name of another part of the statement, with the column `run_key`
 * @returns a statement that returns the `run_key` of each start that it found
 */
export const startNow = (ended: string): string => `
  update outbox set available_at = least(available_at, date_trunc('milliseconds', clock_timestamp()))
  from ${ended} where outbox.run_key = ${ended}.run_key and outbox.kind = 'start_run' and outbox.attempts = 0
  returning outbox.run_key`;
