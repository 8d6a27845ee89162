/** Local times at which no message may reach a person: `[startMinute, endMinute)`, which may pass midnight. */
export interface QuietRule {
  readonly id: string;
  readonly version: number;
  readonly channel: string;
  /** Minutes of the local day, 0-1439. Equal ends mean the whole day. */
  readonly startMinute: number;
  readonly endMinute: number;
}
