import { Migration } from '@mikro-orm/migrations';

const UP = `
  -- Of a message as it had failed before this replay claimed it: what a replay that is put off or ends puts back.
  alter table dead_letter_replays add column former jsonb;
  -- Only runs that were put off for this; null: for whatever a policy can change.
  alter table policy_wakes add column put_off_for text;
`;

const DOWN = `
  alter table policy_wakes drop column put_off_for;
  alter table dead_letter_replays drop column former;
`;

/** Replays leave no trace in messages that they did not send; the end of a pause wakes who waits for it. */
export class ReplaysAndPauses20261123000500 extends Migration {
  override up(): void {
    this.addSql(UP);
  }

  override down(): void {
    this.addSql(DOWN);
  }
}
