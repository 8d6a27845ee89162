// Engineering data, no legal advice: have it checked by counsel for the places you write to. Each definition says when a
// law, or the code that operators enforce, lets nobody be reached; it applies to messages that need consent.

/** Days on which nobody works in France, by article L3133-1 of the Code du travail. */
const FRENCH_HOLIDAYS = [
  '01-01',
  '05-01',
  '05-08',
  '07-14',
  '08-15',
  '11-01',
  '11-11',
  '12-25',
  // Easter Monday, Ascension, Whit Monday; test/cases/generate-holidays.py says when they are.
  ...['2026-04-06', '2026-05-14', '2026-05-25'],
  ...['2027-03-29', '2027-05-06', '2027-05-17'],
  ...['2028-04-17', '2028-05-25', '2028-06-05'],
  ...['2029-04-02', '2029-05-10', '2029-05-21'],
  ...['2030-04-22', '2030-05-30', '2030-06-10'],
  ...['2031-04-14', '2031-05-22', '2031-06-02'],
  ...['2032-03-29', '2032-05-06', '2032-05-17'],
  ...['2033-04-18', '2033-05-26', '2033-06-06'],
  ...['2034-04-10', '2034-05-18', '2034-05-29'],
  ...['2035-03-26', '2035-05-03', '2035-05-14'],
];

const SMS_AND_CALLS = ['sms', 'voice'];

/** Of the overlays that come with the product: what the policies API takes as `key` and `definition`. */
export interface LegalOverlayData {
  readonly key: string;
  readonly definition: {
    readonly kind: 'legal_overlay';
    readonly jurisdictions: readonly string[];
    readonly channels: readonly string[];
    readonly weekdays?: readonly number[];
    readonly dates?: readonly string[];
    readonly start: string;
    readonly end: string;
    readonly allow_long?: true;
    readonly effective_from: string | null;
    readonly effective_until: string | null;
    readonly source: string;
  };
}

type Window = Pick<LegalOverlayData['definition'], 'start' | 'end' | 'allow_long' | 'source' | 'weekdays' | 'dates'>;

/** No SMS and no calls in a place of the United States. */
function american(key: string, jurisdiction: string, effectiveFrom: string | null, window: Window): LegalOverlayData {
  const place = { jurisdictions: [jurisdiction], channels: SMS_AND_CALLS };
  const dates = { effective_from: effectiveFrom, effective_until: null };
  return { key, definition: { kind: 'legal_overlay', ...place, ...window, ...dates } };
}

/** No SMS in France. */
function french(key: string, window: Omit<Window, 'source'>): LegalOverlayData {
  const place = { jurisdictions: ['FR'], channels: ['sms'], effective_from: null, effective_until: null };
  const source = 'Deontological recommendations of the French mobile operators (AF2M) for commercial SMS';
  return { key, definition: { kind: 'legal_overlay', ...place, ...window, source } };
}

/** The starting set: the company may replace or lift each of them. */
export const LEGAL_OVERLAYS: readonly LegalOverlayData[] = [
  american('us_federal_sms_calls', 'US', null, {
    start: '21:00',
    end: '08:00',
    source: '47 CFR 64.1200(c)(1)',
  }),
  american('us_fl_sms_calls', 'US-FL', '2021-07-01', {
    start: '20:00',
    end: '08:00',
    source: 'Fla. Stat. 501.616(6)(a)',
  }),
  american('us_ok_sms_calls', 'US-OK', '2022-11-01', {
    start: '20:00',
    end: '08:00',
    source: '15 Okla. Stat. 775C.4 (Telephone Solicitation Act of 2022)',
  }),
  american('us_md_sms_calls', 'US-MD', '2024-01-01', {
    start: '20:00',
    end: '08:00',
    source: 'Md. Code, Com. Law, title 14, subtitle 45 (Stop the Spam Calls Act of 2023)',
  }),
  american('us_nj_sms_calls', 'US-NJ', null, {
    start: '21:00',
    end: '08:00',
    source: 'N.J.S.A. 56:8-128 d (some tables say 20:00)',
  }),
  american('us_ct_sms_calls', 'US-CT', '2023-10-01', {
    start: '20:00',
    end: '09:00',
    source: 'Conn. Gen. Stat. 42-288a, Public Act 23-98',
  }),
  american('us_tx_sms_calls', 'US-TX', '2025-09-01', {
    start: '21:00',
    end: '09:00',
    source: 'Tex. Bus. & Com. Code 301.051, 302.001 (S.B. 140, 2025)',
  }),
  american('us_tx_sundays_sms_calls', 'US-TX', '2025-09-01', {
    weekdays: [7],
    start: '00:00',
    end: '12:00',
    source: 'Tex. Bus. & Com. Code 301.051, 302.001 (S.B. 140, 2025)',
  }),
  french('fr_nights_sms', { start: '22:00', end: '08:00' }),
  french('fr_sundays_holidays_sms', {
    ...{ weekdays: [7], dates: FRENCH_HOLIDAYS },
    ...{ start: '00:00', end: '00:00', allow_long: true },
  }),
];
