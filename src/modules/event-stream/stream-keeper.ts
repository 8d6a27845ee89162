import { Injectable } from '@nestjs/common';
import { SECOND_MS } from '../../core/kernel/instant.js';
import { Rounds } from '../../platform/concurrency/rounds.js';
import { ReplaysRepository } from './replays.repository.js';

const EVERY_MS = SECOND_MS;

/** Puts back what is to be sent again, little by little. Every process runs one. */
@Injectable()
export class StreamKeeper extends Rounds {
  constructor(private readonly replays: ReplaysRepository) {
    super(EVERY_MS, 'the event stream could not be looked after');
  }

  protected async round(): Promise<void> {
    while (!this.isStopped && (await this.replays.step()));
  }
}
