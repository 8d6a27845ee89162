import { Inject, Injectable } from '@nestjs/common';
import type { Candidate } from '../../core/decisions/types.js';
import type { MessageContent } from '../../core/content/content.js';
import type { RunReference } from '../../core/journeys/run-reference.js';
import { RunResponses } from '../journeys/index.js';
import { MessageTemplatesService, RenderError } from '../message-templates/index.js';
import { PreferenceTokens } from '../preferences/index.js';
import { UnsubscribeTokens } from '../unsubscribe/index.js';

export const COMPANY = Symbol('COMPANY');
export interface Company {
  readonly name: string;
  readonly address: string;
}

/** One message as its recipient will see it. */
export interface RenderedMessage {
  readonly candidateKey: string;
  readonly template: string;
  readonly templateVersion: number;
  readonly address: string;
  readonly content: MessageContent;
  readonly unsubscribeUrl: string | null;
}

export interface RenderRequest {
  readonly candidate: Candidate;
  readonly user: Readonly<Record<string, unknown>>;
  readonly address: string;
  readonly run: RunReference;
  readonly deliveryId: string;
}

/** Puts the template, the person and the run together. */
@Injectable()
export class MessageRenderer {
  constructor(
    private readonly templates: MessageTemplatesService,
    private readonly tokens: UnsubscribeTokens,
    private readonly preferences: PreferenceTokens,
    private readonly responses: RunResponses,
    @Inject(COMPANY) private readonly company: Company,
  ) {}

  /** A template that fails on this user is a fault of the content, told as a value: another candidate may do. */
  async render(
    request: RenderRequest,
  ): Promise<
    { readonly kind: 'message'; readonly message: RenderedMessage } | { readonly kind: 'fault'; readonly fault: string }
  > {
    const { candidate, user, run, deliveryId } = request;
    if (candidate.templateVersion === null) return { kind: 'fault', fault: 'the template does not exist' };
    const unsubscribeUrl = this.tokens.urlFor({
      userId: run.userId,
      purpose: candidate.purpose,
      channel: candidate.channel,
      brand: candidate.brand,
      deliveryId,
    });
    const context = {
      user,
      run: {
        key: run.runKey,
        journey: run.journeyKey,
        version: run.journeyVersion,
        responses: await this.responses.find(run.runKey),
      },
      company: this.company,
      unsubscribe_url: unsubscribeUrl,
      preferences_url: this.preferences.urlFor(run.userId),
    };
    try {
      const version = candidate.templateVersion;
      const content = await this.templates.render({ key: candidate.template, version, context });
      if (content.channel === 'push') return { kind: 'fault', fault: 'nothing carries push yet' };
      return {
        kind: 'message',
        message: {
          candidateKey: candidate.key,
          template: candidate.template,
          templateVersion: version,
          address: request.address,
          unsubscribeUrl: candidate.legalBasis === 'consent' ? unsubscribeUrl : null,
          content,
        },
      };
    } catch (error) {
      if (!(error instanceof RenderError)) throw error;
      return { kind: 'fault', fault: error.message };
    }
  }
}
