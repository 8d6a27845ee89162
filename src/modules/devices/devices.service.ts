import { BadRequestException, Inject, Injectable, NotFoundException, type OnModuleInit } from '@nestjs/common';
import { pushIdentity, readPushAddress, writePushAddress, type PushAddress } from '../../core/delivery/push-address.js';
import { AddressHasher } from '../../platform/address/address-hash.js';
import { CONFIG } from '../../platform/config/config.module.js';
import type { Config } from '../../platform/config/config.js';
import { Database, type Transaction } from '../../platform/database/database.js';
import { toPage, type Page, type PageRequest } from '../../platform/http/paging.js';
import { addressIn, isPublicAddress } from '../../platform/outbound/public-address.js';
import { AuditLog } from '../access/index.js';
import { RunSignals } from '../journeys/index.js';
import { SuppressionsService } from '../suppressions/index.js';
import { UserHooks, UsersService, type UserReference } from '../users/index.js';
import type { DeviceInput, DeviceView, SeenDeviceView } from './devices.dto.js';
import { toDeviceView, toPushAddress } from './devices.mapper.js';
import { DevicesRepository, type SeenRow } from './devices.repository.js';

const CHANNEL = 'push';
/** More than one person uses; a script that registers without end fills no table. */
const DEVICES_MAX = 20;
/** Why those who wait are woken. */
const SEEN = 'device_seen';

/** Where people get notifications. Written under the user's lock, so that each claim sees one state of them. */
@Injectable()
export class DevicesService implements OnModuleInit {
  constructor(
    private readonly database: Database,
    private readonly devices: DevicesRepository,
    private readonly users: UsersService,
    private readonly hooks: UserHooks,
    private readonly suppressions: SuppressionsService,
    private readonly signals: RunSignals,
    private readonly audit: AuditLog,
    private readonly hasher: AddressHasher,
    @Inject(CONFIG) private readonly config: Pick<Config, 'auth'>,
  ) {}

  onModuleInit(): void {
    this.hooks.onErase((transaction, { userId }) => this.forget(transaction, userId));
  }

  /**
   * Notes that the user has the device now, and that it was seen. The same again changes only when it was seen; with
   * another user than before it moves; one that was gone is back.
   *
   * @throws NotFoundException USER_UNKNOWN, GoneException USER_ERASED, BadRequestException for a push service to which no
   *   request may go
   */
  async see(
    reference: UserReference,
    input: DeviceInput,
    principal: string,
  ): Promise<{ readonly isNew: boolean; readonly device: SeenDeviceView }> {
    const address = toPushAddress(input);
    this.refuseForbidden(address);
    const userId = await this.users.resolve(reference);
    const addressHash = this.hashOf(address);
    const { platform, app, label } = input;
    const device = { userId, platform, app, label, addressHash, address: writePushAddress(address) };
    const { row, replaced, isNews } = await this.database.transaction(async (transaction) => {
      const owner = await this.devices.ownerOf(transaction, addressHash);
      const living = await this.users.lock(transaction, owner === null ? [userId] : [userId, owner]);
      if (!living.has(userId)) throw new NotFoundException({ code: 'USER_UNKNOWN', detail: 'there is no such user' });
      const seen = await this.devices.see(transaction, device);
      const surplus = await this.devices.dropSurplus(transaction, userId, DEVICES_MAX);
      const news = isNewsOf(seen);
      if (news) await this.noteNews(transaction, seen, principal);
      return { row: seen, replaced: surplus, isNews: news };
    });
    if (isNews) this.signals.kick();
    return { isNew: row.formerUserId === null, device: { ...toDeviceView(row), replaced: [...replaced] } };
  }

  /** Newest first, those that are gone too. @throws NotFoundException USER_UNKNOWN, GoneException USER_ERASED */
  async list(reference: UserReference, page: PageRequest): Promise<Page<DeviceView>> {
    const userId = await this.users.resolve(reference);
    const rows = await this.devices.list(userId, { ...page, limit: page.limit + 1 });
    return toPage(rows, page, ({ id }) => id, toDeviceView);
  }

  /** @throws NotFoundException USER_UNKNOWN, DEVICE_UNKNOWN; GoneException USER_ERASED */
  async remove(reference: UserReference, id: string, principal: string): Promise<void> {
    const userId = await this.users.resolve(reference);
    await this.database.transaction(async (transaction) => {
      await this.users.lock(transaction, [userId]);
      if (!(await this.devices.remove(transaction, { id, userId }))) {
        throw new NotFoundException({ code: 'DEVICE_UNKNOWN', detail: 'the user has no such device' });
      }
      const detail = { device_id: id };
      await this.audit.write(transaction, { principal, action: 'device.remove', subject: userId, detail });
    });
  }

  /**
   * Ends the device to which a message could not go: the token is void, whoever has it now. It is no word about the
   * person, whose other devices are reached as before.
   *
   * @param address as the delivery keeps it
   */
  async end(transaction: Transaction, address: string): Promise<void> {
    const device = readPushAddress(address);
    if (device !== null) await this.devices.end(transaction, this.hashOf(device));
  }

  /** Runs of whoever became reachable ask again. */
  private async noteNews(transaction: Transaction, row: SeenRow, principal: string): Promise<void> {
    const { id, userId, platform, formerUserId } = row;
    const isMoved = formerUserId !== null && formerUserId !== userId;
    const detail = { device_id: id, platform, ...(isMoved ? { from_user: formerUserId } : {}) };
    const action = isMoved ? 'device.move' : 'device.register';
    await this.audit.write(transaction, { principal, action, subject: userId, detail });
    await this.signals.wake(transaction, [userId], SEEN);
  }

  /** As every address of an erased person, what named the devices stays suppressed by its hash. */
  private async forget(transaction: Transaction, userId: string): Promise<void> {
    for (const addressHash of await this.devices.eraseUser(transaction, userId)) {
      const scope = { channel: null, purpose: null, until: null };
      const why = { reason: 'erasure', source: 'erasure' } as const;
      await this.suppressions.suppress(transaction, { addressHash, userId: null, ...scope, ...why });
    }
  }

  private hashOf(address: PushAddress): string {
    return this.hasher.hash(CHANNEL, pushIdentity(address));
  }

  /** The browser chooses the endpoint, or whoever pretends to be one. What its name leads to is checked when it is called. */
  private refuseForbidden(address: PushAddress): void {
    if (address.platform !== 'webpush' || this.config.auth.mode === 'none') return;
    const url = new URL(address.endpoint);
    const ip = addressIn(url);
    if (url.protocol === 'https:' && (ip === null || isPublicAddress(ip))) return;
    const errors = [{ path: 'subscription.endpoint', message: 'https and a public address' }];
    throw new BadRequestException({ code: 'INVALID_INPUT', detail: 'the body is not as expected', errors });
  }
}

/** That a known device was seen once more is none. */
const isNewsOf = ({ userId, formerUserId, wasActive }: SeenRow): boolean => !wasActive || formerUserId !== userId;
