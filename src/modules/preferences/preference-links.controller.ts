import { Controller, Param, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Answers } from '../../platform/http/openapi.js';
import { NotRepeatable } from '../../platform/http/idempotency.interceptor.js';
import { PrincipalName } from '../../platform/http/principal.js';
import { Scopes } from '../access/index.js';
import { userReference, type UserReference } from '../users/index.js';
import { PreferenceLinkView } from './preferences.dto.js';
import { PreferencesService } from './preferences.service.js';

@ApiTags('Preferences')
@Controller('api/users')
export class PreferenceLinksController {
  constructor(private readonly preferences: PreferencesService) {}

  @Post(':id/preference-link')
  @Scopes('consents:write')
  @NotRepeatable()
  @Answers({
    status: 201,
    summary: "Makes a link to a user's page of choices",
    description: 'Whoever has the link can see and change the choices. It does not expire, and is the same every time.',
    body: PreferenceLinkView,
    refusals: { 404: 'no such user', 410: 'the user was erased' },
  })
  link(
    @Param('id', { schema: userReference }) user: UserReference,
    @PrincipalName() principal: string,
  ): Promise<PreferenceLinkView> {
    return this.preferences.link(user, principal);
  }
}
