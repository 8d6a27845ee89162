import { AsyncLocalStorage } from 'node:async_hooks';
import { writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { NestFactory } from '@nestjs/core';
import type { StepAnswer } from '../../src/core/journeys/step-answer.js';
import { AppModule } from '../../src/app.module.js';
import { StepsService } from '../../src/modules/steps/index.js';
import { readConfig } from '../../src/platform/config/config.js';
import { Database } from '../../src/platform/database/database.js';
import type { StepOrder } from './step-process.js';

// One process of the product that carries out one step and, if it is told so, dies in the middle of it. A process
// changes the world by what it writes to a socket and by nothing else: so between two writes all deaths are one.
const STDOUT = 1;
const LABEL_CHARACTERS = 120;
/** Nothing more happens once this is called, however long the kernel takes. */
function die(): void {
  process.kill(process.pid, 'SIGKILL');
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}

/** The order under which something happens; nothing for what the process does by itself beside the step. */
const orders = new AsyncLocalStorage<StepOrder>();
let writes = 0;
/** The last packet is on its way: nothing that comes after it leaves any more. */
let isDying = false;
const { write } = Socket.prototype;

/** A part of a packet that has already begun: it leaves with the first part, not by itself. */
const isJoined = ({ writableCorked, writableLength }: Socket): boolean => writableCorked > 0 && writableLength > 0;

function deadlyWrite(this: Socket, ...args: Parameters<typeof write>): boolean {
  const order = orders.getStore();
  if (order === undefined || this.remotePort === undefined || isJoined(this)) return write.apply(this, args);
  if (isDying) return true;
  writes += 1;
  if (order.death?.moment === 'before' && order.death.write === writes) die();
  const label = Buffer.from(args[0] as string | Uint8Array)
    .toString('latin1')
    .replaceAll(/[^ -~]+/g, ' ');
  writeSync(STDOUT, `${label.trim().slice(0, LABEL_CHARACTERS)}\n`);
  const isTaken = write.apply(this, args);
  if (order.death?.moment === 'after' && order.death.write === writes) {
    isDying = true;
    dieWhenGone(this);
  }
  return isTaken;
}

/** What is corked leaves a little later. */
function dieWhenGone(socket: Socket): void {
  if (socket.writableLength === 0) die();
  else setImmediate(dieWhenGone, socket);
}

Socket.prototype.write = deadlyWrite as typeof write;

const app = await NestFactory.createApplicationContext(AppModule.register(readConfig()), { logger: false });
// The connection that the step will use: its opening is none of the step's business.
await app.get(Database).query({ text: 'select' });
process.once('disconnect', () => process.exit(1));
process.once('message', (received) => {
  const order = received as StepOrder;
  const run = (): Promise<StepAnswer> => app.get(StepsService).run(order.request);
  void orders.run(order, run).then((answer) => process.send?.({ answer }));
});
process.send?.('ready');
