import { Inject, Injectable, NotFoundException, UnprocessableEntityException } from '@nestjs/common';
import { CONFIG } from '../../platform/config/config.module.js';
import type { Config } from '../../platform/config/config.js';
import { UsersService } from '../users/index.js';
import { authorPreview } from './authoring.js';
import { RenderError } from './liquid.js';
import type { PreviewRequest, PreviewView, UserPreviewRequest, UserPreviewView } from './message-templates.dto.js';
import { toPreviewView } from './message-templates.mapper.js';
import { MessageTemplatesRepository, type MessageTemplateRow } from './message-templates.repository.js';
import { ParsedTemplates } from './parsed-templates.js';
import { renderContent } from './renderer.js';

/** What runs show where there is no run. */
const NO_RUN = { key: 'preview', journey: 'preview', version: 1, responses: {} };
const UUID_BYTES = 16;
const SIGNATURE_CHARACTERS = 43;

/** Shows messages as they would be, and sends nothing. */
@Injectable()
export class Previews {
  constructor(
    private readonly templates: MessageTemplatesRepository,
    private readonly parsed: ParsedTemplates,
    private readonly users: UsersService,
    @Inject(CONFIG) private readonly config: Pick<Config, 'company' | 'http' | 'secrets'>,
  ) {}

  /**
   * Content that need not be stored, filled in with values that need not be true.
   *
   * @throws BadRequestException TEMPLATE_INVALID, UnprocessableEntityException RENDER_FAILED
   */
  async ofContent(request: PreviewRequest): Promise<PreviewView> {
    const { context, missing } = request;
    const content = await authorPreview(request);
    return refuseFaults(() => toPreviewView(renderContent(content, { context, missing })));
  }

  /**
   * A stored template as one person would get it. Its links to withdraw are as long as real ones and do nothing: whoever
   * tries them out must not withdraw somebody else's consent.
   *
   * @throws NotFoundException TEMPLATE_UNKNOWN, USER_UNKNOWN, GoneException USER_ERASED
   * @throws UnprocessableEntityException RENDER_FAILED where the message could not be sent to this person
   */
  async forUser(key: string, { user_id, version, locale, run }: UserPreviewRequest): Promise<UserPreviewView> {
    const template = await (version === undefined
      ? this.templates.findCurrent(key)
      : this.templates.findVersion(key, version));
    if (template === null) {
      throw new NotFoundException({ code: 'TEMPLATE_UNKNOWN', detail: 'there is no such message template or version' });
    }
    const { hold: _hold, created_at: _createdAt, updated_at: _updatedAt, ...user } = await this.users.find(user_id);
    const context = { user, run: { ...NO_RUN, ...run }, company: this.config.company, ...this.links(template) };
    const request = { key, version: template.version, context, ...(locale === undefined ? {} : { locale }) };
    return refuseFaults(async () => {
      const content = await this.parsed.render(request);
      const whose = { key, version: template.version, user_id: user.id, locale: content.locale };
      return { ...whose, ...toPreviewView(content) };
    });
  }

  private links({ purpose, channel, brand }: MessageTemplateRow): Readonly<Record<string, string>> {
    const link = (page: string, bytes: number): string => {
      const payload = Math.ceil((bytes * 4) / 3);
      const token = '-'.repeat(payload + SIGNATURE_CHARACTERS + this.config.secrets.current.kid.length + 2);
      return `${this.config.http.publicUrl}/${page}/preview${token.slice('preview'.length)}`;
    };
    return {
      unsubscribe_url: link('unsubscribe', 2 * UUID_BYTES + `${purpose} ${channel} ${brand}`.length),
      preferences_url: link('preferences', UUID_BYTES),
    };
  }
}

async function refuseFaults<View>(render: () => View | Promise<View>): Promise<View> {
  try {
    return await render();
  } catch (error) {
    if (!(error instanceof RenderError)) throw error;
    throw new UnprocessableEntityException({ code: 'RENDER_FAILED', detail: error.message }, { cause: error });
  }
}
