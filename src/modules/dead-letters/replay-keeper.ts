import { Injectable } from '@nestjs/common';
import { SECOND_MS } from '../../core/kernel/instant.js';
import { RoundsOnDemand } from '../../platform/concurrency/rounds.js';
import { Replayer } from './replayer.js';

const EVERY_MS = SECOND_MS;

/** Looks for replays whose turn it is, again and again. Started by the worker only: the API sends nothing. */
@Injectable()
export class ReplayKeeper extends RoundsOnDemand {
  constructor(private readonly replayer: Replayer) {
    super(EVERY_MS, 'dead letters could not be replayed');
  }

  protected async round(): Promise<void> {
    while (!this.isStopped && (await this.replayer.round()) > 0);
  }
}
