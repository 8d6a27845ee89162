export { UserHooks, type Erasure } from './user-hooks.js';
export { userReference, type UserReference } from './user-reference.js';
export { attributesOf, type ProfileFacts } from './profile-facts.js';
export { AmendedProfile } from './users.dto.js';
export { UsersModule } from './users.module.js';
export type { DeviceZone } from './users.repository.js';
export { UsersService } from './users.service.js';
