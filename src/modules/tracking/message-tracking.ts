import { Inject, Injectable } from '@nestjs/common';
import type { ConsentRecord } from '../../core/consent/consent-record.js';
import { contentFaults } from '../../core/content/content-faults.js';
import type { MessageContent } from '../../core/content/content.js';
import { trackContent } from '../../core/content/track-content.js';
import {
  decideTracking,
  isTracked,
  labelsOf,
  type MessagePlace,
  type TrackingResult,
  type TrackingSettings,
} from '../../core/content/tracking.js';
import type { InstantMs } from '../../core/kernel/instant.js';
import { CONFIG } from '../../platform/config/config.module.js';
import type { Config } from '../../platform/config/config.js';
import { mayTrack } from './tracking-consent.js';
import { TrackingTokens } from './tracking-tokens.js';

/** A message that is ready but for this, and what its template wants to learn by it. */
export interface TrackingRequest {
  readonly content: MessageContent;
  readonly settings: TrackingSettings;
  /** See `mayTrack`. */
  readonly hasConsent: boolean;
  readonly deliveryId: string;
  readonly place: MessagePlace;
}

/** Pages of ours to which messages link. To count who goes there would stand in the way of who withdraws. */
const OWN_PAGES = /^(unsubscribe|preferences|confirm|callbacks|l|o|api)(\/|$)/;

/** Puts what tells of clicks and openings into messages, where template, installation and person agree to it. */
@Injectable()
export class MessageTracking {
  constructor(
    private readonly tokens: TrackingTokens,
    @Inject(CONFIG) private readonly config: Pick<Config, 'tracking' | 'http'>,
  ) {}

  /** Whether the person has agreed to be tracked here, by facts that were read for something else. */
  mayTrack(
    said: { readonly consents: readonly ConsentRecord[]; readonly now: InstantMs },
    { channel, brand }: { readonly channel: string; readonly brand: string },
  ): boolean {
    const { purpose } = this.config.tracking;
    return purpose !== null && mayTrack(said, { purpose, channel, brand });
  }

  /** The message as it goes out. Who is not tracked gets it exactly as it came in. */
  apply(request: TrackingRequest): { readonly content: MessageContent; readonly tracking: TrackingResult } {
    const { content, settings, hasConsent, place, deliveryId } = request;
    const { purpose, links, opens } = this.config.tracking;
    const allowed = purpose === null ? null : { links, opens };
    const tracking = decideTracking({ settings, allowed, hasConsent });
    if (!isTracked(tracking)) return { content, tracking };
    const message = { deliveryId, brand: place.brand };
    const areLinksTracked = tracking === 'links' || tracking === 'links_and_opens';
    const areOpensTracked = tracking === 'opens' || tracking === 'links_and_opens';
    const tracked = trackContent(content, {
      linkFor: areLinksTracked ? (url, index) => this.tokens.linkUrl({ ...message, index, url }) : null,
      pixelUrl: areOpensTracked ? this.tokens.pixelUrl(message) : null,
      labels: labelsOf(settings.utm, place),
      isOwn: (url) => this.isOwn(url),
      isTextTracked: settings.text,
    });
    return contentFaults(tracked).length > 0 ? { content, tracking: 'too_long' } : { content: tracked, tracking };
  }

  private isOwn(url: string): boolean {
    const { publicUrl } = this.config.http;
    return url.startsWith(`${publicUrl}/`) && OWN_PAGES.test(url.slice(publicUrl.length + 1));
  }
}
