import { Migration } from '@mikro-orm/migrations';

const UP = `
  -- Length of the history with which the worker did the turn that was told last; null: unknown.
  alter table journey_runs add column history_length int;
  alter table run_path add column history_length int;
  -- That nothing is left of the path of a run that ended long ago.
  alter table journey_entries add column is_path_gone boolean not null default false;
  create index journey_entries_path_kept on journey_entries (ended_at) where ended_at is not null and not is_path_gone;
  drop index run_path_begun;
`;

const DOWN = `
  create index run_path_begun on run_path (entered_at) where seq = 1;
  drop index journey_entries_path_kept;
  alter table journey_entries drop column is_path_gone;
  alter table run_path drop column history_length;
  alter table journey_runs drop column history_length;
`;

/** Reports that come late are told apart, and old paths are found by when their runs ended. */
export class RunReports20261123000400 extends Migration {
  override up(): void {
    this.addSql(UP);
  }

  override down(): void {
    this.addSql(DOWN);
  }
}
