import { Inject, Injectable } from '@nestjs/common';
import type { Candidate } from '../../core/decisions/types.js';
import type { MessageContent } from '../../core/content/content.js';
import type { TrackingResult } from '../../core/content/tracking.js';
import type { RunReference } from '../../core/journeys/run-reference.js';
import { RunResponses } from '../journeys/index.js';
import { MessageTemplatesService, RenderError } from '../message-templates/index.js';
import { PreferenceTokens } from '../preferences/index.js';
import { MessageTracking } from '../tracking/index.js';
import { UnsubscribeMail, UnsubscribeTokens } from '../unsubscribe/index.js';

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
  readonly unsubscribeMailto: string | null;
  readonly tracking: TrackingResult;
}

export interface RenderRequest {
  readonly candidate: Candidate;
  readonly user: Readonly<Record<string, unknown>>;
  readonly address: string;
  readonly run: RunReference;
  readonly deliveryId: string;
  readonly stepId: string;
  /** Whether the person has agreed to be tracked by such a message. */
  readonly mayTrack: boolean;
}

/** Puts the template, the person and the run together. */
@Injectable()
export class MessageRenderer {
  constructor(
    private readonly templates: MessageTemplatesService,
    private readonly tokens: UnsubscribeTokens,
    private readonly mails: UnsubscribeMail,
    private readonly tracking: MessageTracking,
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
    const { purpose, channel, brand } = candidate;
    const subject = { userId: run.userId, purpose, channel, brand, deliveryId };
    const unsubscribeUrl = this.tokens.urlFor(subject);
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
      const plain = await this.templates.render({ key: candidate.template, version, context });
      const { content, tracking } = await this.track(request, { content: plain, version });
      return {
        kind: 'message',
        message: {
          candidateKey: candidate.key,
          template: candidate.template,
          templateVersion: version,
          address: request.address,
          unsubscribeUrl: candidate.legalBasis === 'consent' ? unsubscribeUrl : null,
          unsubscribeMailto: candidate.legalBasis === 'consent' ? this.mails.addressFor(subject) : null,
          content,
          tracking,
        },
      };
    } catch (error) {
      if (!(error instanceof RenderError)) throw error;
      return { kind: 'fault', fault: error.message };
    }
  }

  private async track(
    { candidate, run, deliveryId, stepId, mayTrack }: RenderRequest,
    { content, version }: { readonly content: MessageContent; readonly version: number },
  ): Promise<ReturnType<MessageTracking['apply']>> {
    const { brand, channel, template } = candidate;
    const settings = await this.templates.tracking({ key: template, version });
    const place = { brand, channel, journey: run.journeyKey, step: stepId, template };
    return this.tracking.apply({ content, settings, hasConsent: mayTrack, deliveryId, place });
  }
}
