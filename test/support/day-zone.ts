/**
 * A time zone where the day ends in some hours: what counts by local days, weeks or months holds while a spec runs.
 *
 * @example person({ timezone: zoneByDay() })
 */
export function zoneByDay(): string {
  const hour = new Date().getUTCHours();
  return hour >= 1 && hour < 22 ? 'UTC' : 'Asia/Tokyo';
}
