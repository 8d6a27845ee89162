/** What the company says about a person, as conditions and templates see it. */
export interface ProfileFacts {
  readonly externalId: string | null;
  readonly email: string | null;
  readonly name: string | null;
  readonly phone: string | null;
  readonly lifecycleStage: string | null;
  readonly timezone: string | null;
  readonly locale: string | null;
  /** ISO 3166. */
  readonly jurisdiction: string | null;
  /** Where the person would rather be reached, which permits nothing; null, or left out: no preference. */
  readonly preferredChannel?: string | null;
  readonly attributes: Readonly<Record<string, unknown>>;
}

/** The document that conditions and templates see: the profile's own fields, and what the company added. */
export function attributesOf(user: ProfileFacts): Readonly<Record<string, unknown>> {
  return {
    external_id: user.externalId,
    email: user.email,
    phone: user.phone,
    name: user.name,
    lifecycle_stage: user.lifecycleStage,
    timezone: user.timezone,
    locale: user.locale,
    jurisdiction: user.jurisdiction,
    preferred_channel: user.preferredChannel ?? null,
    attributes: user.attributes,
  };
}
