import type { UserDetailView, UserInput, UserView } from './users.dto.js';
import type { Profile, UserHoldRow, UserRow } from './users.repository.js';

export const toUserView = (user: UserRow): UserView => ({
  id: user.id,
  external_id: user.externalId,
  email: user.email,
  phone: user.phone,
  name: user.name,
  lifecycle_stage: user.lifecycleStage,
  timezone: user.timezone,
  locale: user.locale,
  jurisdiction: user.jurisdiction,
  preferred_channel: user.preferredChannel,
  attributes: user.attributes,
  created_at: new Date(user.createdAt).toISOString(),
  updated_at: new Date(user.updatedAt).toISOString(),
});

export const toUserDetailView = (user: UserRow, hold: UserHoldRow | null): UserDetailView => ({
  ...toUserView(user),
  hold:
    hold === null
      ? null
      : {
          reason: hold.reason,
          held_by: hold.heldBy,
          since: new Date(hold.since).toISOString(),
          until: hold.until === null ? null : new Date(hold.until).toISOString(),
        },
});

export const toProfile = (input: UserInput, hash: (channel: 'email' | 'sms', address: string) => string): Profile => ({
  externalId: input.external_id ?? null,
  email: input.email,
  emailHash: input.email === null ? null : hash('email', input.email),
  phone: input.phone,
  phoneHash: input.phone === null ? null : hash('sms', input.phone),
  name: input.name,
  lifecycleStage: input.lifecycle_stage,
  timezone: input.timezone,
  locale: input.locale,
  jurisdiction: input.jurisdiction,
  preferredChannel: input.preferred_channel,
  attributes: input.attributes,
});
