import { Inject, Injectable, Logger, NotFoundException } from '@nestjs/common';
import { CONFIG } from '../../platform/config/config.module.js';
import type { Config } from '../../platform/config/config.js';
import { escapeHtml } from '../../platform/http/html-page.js';
import { MessageTemplatesService, RenderError } from '../message-templates/index.js';
import { UsersService } from '../users/index.js';

/** Template by which a company words the mail itself. */
const TEMPLATE = 'double_opt_in';
const BUILT_IN_VERSION = 0;
const DAY_MS = 86_400_000;

/** The mail that asks a person to confirm. */
export interface ConfirmationMail {
  readonly template: string;
  readonly templateVersion: number;
  readonly subject: string;
  readonly html: string;
  readonly text: string;
}

export interface MailFacts {
  readonly userId: string;
  readonly purpose: string;
  readonly url: string;
  readonly validMs: number;
}

/** Words the mail of a double opt-in: by the template `double_opt_in` where there is a fit one, else plainly. */
@Injectable()
export class ConfirmationMails {
  private readonly logger = new Logger(ConfirmationMails.name);

  constructor(
    private readonly templates: MessageTemplatesService,
    private readonly users: UsersService,
    @Inject(CONFIG) private readonly config: Pick<Config, 'company'>,
  ) {}

  async write(facts: MailFacts): Promise<ConfirmationMail> {
    try {
      return (await this.byTemplate(facts)) ?? builtIn(facts, this.config.company.name);
    } catch (error) {
      if (!(error instanceof RenderError)) throw error;
      this.logger.warn(`the template ${TEMPLATE} could not be rendered; the built-in mail goes out instead`);
      return builtIn(facts, this.config.company.name);
    }
  }

  private async byTemplate({ userId, url }: MailFacts): Promise<ConfirmationMail | null> {
    const template = await this.templates.find(TEMPLATE).catch(nullIfUnknown);
    if (template === null) return null;
    const { company } = this.config;
    const user = await this.users.find({ kind: 'id', id: userId });
    const context = { user, company, confirm_url: url };
    const content = await this.templates.render({ key: TEMPLATE, version: template.version, context });
    if (content.channel === 'email' && template.legal_basis === 'contract') {
      const { subject, html, text } = content;
      if (text.includes(url) && html.includes(url)) {
        return { template: TEMPLATE, templateVersion: template.version, subject, html, text };
      }
    }
    this.logger.warn(`the template ${TEMPLATE} has to be an e-mail with legal_basis "contract" and {{ confirm_url }}`);
    return null;
  }
}

function nullIfUnknown(error: unknown): null {
  if (error instanceof NotFoundException) return null;
  throw error;
}

/** No word of marketing: nobody has agreed to any yet. */
function builtIn({ purpose, url, validMs }: MailFacts, companyName: string): ConfirmationMail {
  const days = Math.max(1, Math.round(validMs / DAY_MS));
  const validity = `The link can be used for ${days === 1 ? 'one day' : `${days} days`}.`;
  const ask = `Somebody, probably you, asked ${companyName} to send ${purpose} messages to this address.`;
  const ignore = 'If that was not you, do nothing: without your confirmation you get no such messages.';
  return {
    template: TEMPLATE,
    templateVersion: BUILT_IN_VERSION,
    subject: `Please confirm: messages from ${companyName}`,
    text: [ask, '', 'To confirm, open this page and press the button:', url, '', validity, ignore, ''].join('\n'),
    html: `<p>${escapeHtml(ask)}</p>
<p>To confirm, open this page and press the button:<br><a href="${escapeHtml(url)}">${escapeHtml(url)}</a></p>
<p>${validity} ${escapeHtml(ignore)}</p>
`,
  };
}
