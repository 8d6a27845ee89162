import { Injectable, Logger, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { BulkEnrolmentsRepository, type Untold } from './bulk-enrolments.repository.js';
import { BulkGateway } from './bulk-gateway.js';

const EVERY_MS = 2_000;
const TOLD_AT_ONCE = 20;

/**
 * Starts the workflows of enrolments and repeats commands that nobody heard, also after a crash between the row and its
 * workflow. Every process runs one; leases keep them out of each other's way, and to be told twice changes nothing.
 */
@Injectable()
export class BulkStarter implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(BulkStarter.name);
  private timer: NodeJS.Timeout | undefined;
  private working: Promise<void> | undefined;
  private isStopped = false;

  constructor(
    private readonly enrolments: BulkEnrolmentsRepository,
    private readonly gateway: BulkGateway,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => this.kick(), EVERY_MS);
    this.timer.unref();
  }

  /** Looks now for enrolments that are to be told something. */
  kick(): void {
    if (this.isStopped) return;
    this.working ??= this.work().finally(() => (this.working = undefined));
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.isStopped = true;
    clearInterval(this.timer);
    await this.working;
  }

  private async work(): Promise<void> {
    try {
      await this.enrolments.failUnreceived();
      const untold = await this.enrolments.leaseUntold(TOLD_AT_ONCE);
      await Promise.all(untold.map((each) => this.tell(each)));
    } catch (error) {
      this.logger.warn('enrolments could not be looked for; the next round tries again', { error });
    }
  }

  private async tell(untold: Untold): Promise<void> {
    try {
      await this.gateway.tell(untold);
      await this.enrolments.noteTold(untold.id, untold.commands);
    } catch (error) {
      this.logger.warn('an enrolment of many could not be told; a later round tries again', {
        bulkEnrolment: untold.id,
        error,
      });
    }
  }
}
