/** What a reconcile job has found so far. */
export interface ReconcileCounts {
  /** Runs that were compared. */
  readonly checked: number;
  /** Those of them whose rows were put right. */
  readonly mended: number;
  /** Runs of which Temporal knows nothing any more although they had not ended, or whose rows say nothing of their end. */
  readonly lost: number;
  /** Runs that could not tell how they stand: no worker, or one whose code cannot replay them. They are left alone. */
  readonly unanswered: number;
  /** Running workflows that no entry knows: started by another installation, or older than the backup that was restored. */
  readonly strangers: number;
  /** Subscriptions to events that their runs do not react to, or that ended, which were taken away. Left out: none yet. */
  readonly unsubscribed?: number;
}

/** How far a reconcile job is. */
export interface ReconcilePlace {
  readonly phase: 'entries' | 'strangers' | 'over';
  /** What the page before ended with; null: the first page of the phase. */
  readonly after: string | null;
  readonly counts: ReconcileCounts;
}

/** What a reconcile job is started with. */
export interface ReconcileInput {
  readonly jobId: string;
  /** Null: all journeys. */
  readonly journey: string | null;
  /** Set by continue-as-new only. */
  readonly place?: ReconcilePlace;
}
