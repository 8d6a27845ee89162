import { Inject, Injectable } from '@nestjs/common';
import { evaluateCondition } from '../../core/audiences/evaluate-condition.js';
import { startInstant } from '../../core/journeys/start-instant.js';
import { SECOND_MS, type InstantMs } from '../../core/kernel/instant.js';
import { resolveZones } from '../../core/users/resolve-zones.js';
import { CONFIG } from '../../platform/config/config.module.js';
import type { Config } from '../../platform/config/config.js';
import { attributesOf } from '../users/index.js';
import { BulkEnrolmentsRepository, type BulkRow } from './bulk-enrolments.repository.js';
import { BulkUsers, type Candidate } from './bulk-users.repository.js';

/** A page is committed at once: so many users' locks are held meanwhile, and so many runs begin in one go at most. */
const MEMBERS_MAX = 50;
const PAGE_SECONDS = 2;
const LOOKED_AT_MAX = 10_000;
const SCAN = 1_000;

/** Somebody whom a page is to let in. */
export interface Member {
  readonly line: number | null;
  /** Null: nobody has the external id of the line. */
  readonly userId: string | null;
  readonly entryKey: string | null;
  /** Null: at once. */
  readonly startsAt: InstantMs | null;
}

/** The next users of an enrolment, and where the page after them begins. */
export interface Members {
  readonly members: readonly Member[];
  readonly lookedAt: number;
  readonly afterUser: string | null;
  readonly afterLine: number;
  readonly isLast: boolean;
}

type Chosen = Omit<Member, 'startsAt'> & { readonly candidate: Candidate | null };

/** Chooses whom a page of an enrolment lets in, and when each of their runs begins. Reads only. */
@Injectable()
export class PageMembers {
  constructor(
    private readonly enrolments: BulkEnrolmentsRepository,
    private readonly users: BulkUsers,
    @Inject(CONFIG) private readonly config: Pick<Config, 'workspace'>,
  ) {}

  /** The users after the last page: those who meet the condition, or the next items. At most 10,000 are looked at. */
  async next(bulk: BulkRow, now: InstantMs): Promise<Members> {
    const { chosen, ...place } = bulk.condition === null ? await this.items(bulk) : await this.matching(bulk);
    return { ...place, members: chosen.map((each, index) => this.toMember(bulk, each, index, now)) };
  }

  private async matching(bulk: BulkRow): Promise<Omit<Members, 'members'> & { readonly chosen: readonly Chosen[] }> {
    const { condition, lastUser, afterLine } = bulk;
    const limit = membersOf(bulk);
    const chosen: Chosen[] = [];
    let afterUser = bulk.afterUser;
    let lookedAt = 0;
    if (condition === null || lastUser === null) return { chosen, lookedAt, afterUser, afterLine, isLast: true };
    while (lookedAt < LOOKED_AT_MAX) {
      const candidates = await this.users.after(afterUser, lastUser, SCAN);
      for (const candidate of candidates) {
        afterUser = candidate.id;
        lookedAt += 1;
        if (!evaluateCondition({ condition, attributes: attributesOf(candidate) })) continue;
        chosen.push({ line: null, userId: candidate.id, entryKey: bulk.entryKey, candidate });
        if (chosen.length === limit) return { chosen, lookedAt, afterUser, afterLine, isLast: false };
      }
      if (candidates.length < SCAN) return { chosen, lookedAt, afterUser, afterLine, isLast: true };
    }
    return { chosen, lookedAt, afterUser, afterLine, isLast: false };
  }

  private async items(bulk: BulkRow): Promise<Omit<Members, 'members'> & { readonly chosen: readonly Chosen[] }> {
    const { id, afterLine, afterUser, entryKey, localMinute } = bulk;
    const limit = membersOf(bulk);
    const items = await this.enrolments.items(id, afterLine, limit);
    const ids = items.flatMap(({ userId }) => userId ?? []);
    const candidates = localMinute === null ? new Map<string, Candidate>() : await this.users.named(ids);
    return {
      chosen: items.map((item) => ({
        ...item,
        entryKey: item.entryKey ?? entryKey,
        candidate: candidates.get(item.userId ?? '') ?? null,
      })),
      lookedAt: items.length,
      afterUser,
      afterLine: items.at(-1)?.line ?? afterLine,
      isLast: items.length < limit,
    };
  }

  private toMember(bulk: BulkRow, { candidate, ...member }: Chosen, place: number, now: InstantMs): Member {
    const { id: salt, spreadMs, localMinute, localDate, startAt, createdAt, perSecond } = bulk;
    const local = localMinute === null || candidate === null ? null : { minute: localMinute, date: localDate };
    const zones = local === null || candidate === null ? [] : this.zonesOf(candidate);
    const from = startAt ?? createdAt;
    const at = startInstant({ userId: member.userId ?? '', salt, from, now, local, zones, spreadMs });
    // Runs of a page that all begin now still do so one after another.
    const paced = Math.max(at, now + Math.floor((place * SECOND_MS) / perSecond));
    return { ...member, startsAt: paced > now ? paced : null };
  }

  private zonesOf({ timezone, contextTimezone, phone, jurisdiction }: Candidate): readonly string[] {
    const hints = { profileZone: timezone, contextZone: contextTimezone, phone, jurisdiction };
    return resolveZones({ ...hints, workspaceZone: this.config.workspace.timezone }).zones;
  }
}

const membersOf = ({ perSecond }: BulkRow): number => Math.min(MEMBERS_MAX, perSecond * PAGE_SECONDS);
