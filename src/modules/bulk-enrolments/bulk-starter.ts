import { Injectable } from '@nestjs/common';
import { Rounds } from '../../platform/concurrency/rounds.js';
import { BulkEnrolmentsRepository, type Untold } from './bulk-enrolments.repository.js';
import { BulkGateway } from './bulk-gateway.js';

const EVERY_MS = 2_000;
const TOLD_AT_ONCE = 20;

/**
 * Starts the workflows of enrolments and repeats commands that nobody heard, also after a crash between the row and its
 * workflow. Every process runs one; leases keep them out of each other's way, and to be told twice changes nothing.
 */
@Injectable()
export class BulkStarter extends Rounds {
  constructor(
    private readonly enrolments: BulkEnrolmentsRepository,
    private readonly gateway: BulkGateway,
  ) {
    super(EVERY_MS, 'enrolments could not be looked for');
  }

  protected async round(): Promise<void> {
    await this.enrolments.failUnreceived();
    const untold = await this.enrolments.leaseUntold(TOLD_AT_ONCE);
    await Promise.all(untold.map((each) => this.tell(each)));
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
