import { Inject, Module, type DynamicModule, type OnApplicationShutdown } from '@nestjs/common';
import { Client } from '@temporalio/client';
import type { PayloadCodec } from '@temporalio/common';
import { connectLazily, type ClosableConnection } from './connection.js';
import { PAYLOAD_CODECS } from './sealing.codec.js';
import { TemporalHealth } from './temporal.health.js';
import { VirtualTimeClient } from './virtual-time.client.js';

export interface TemporalModuleOptions {
  readonly address: string;
  readonly namespace: string;
}

/** What all clients of Temporal share: a `ClosableConnection`. */
export const CONNECTION = Symbol('the connection to Temporal');

/** Client side only: the API must not load the worker's native library. Nothing connects before the first call. PAYLOAD_CODECS come from elsewhere. */
@Module({})
export class TemporalModule implements OnApplicationShutdown {
  constructor(@Inject(CONNECTION) private readonly connection: ClosableConnection) {}

  static forRoot({ address, namespace }: TemporalModuleOptions): DynamicModule {
    return {
      module: TemporalModule,
      global: true,
      providers: [
        { provide: CONNECTION, useFactory: () => connectLazily(address) },
        {
          provide: Client,
          useFactory: ({ connection }: ClosableConnection, payloadCodecs: PayloadCodec[]) =>
            new Client({ connection, namespace, dataConverter: { payloadCodecs } }),
          inject: [CONNECTION, PAYLOAD_CODECS],
        },
        {
          provide: VirtualTimeClient,
          useFactory: ({ connection }: ClosableConnection, payloadCodecs: PayloadCodec[]) =>
            new VirtualTimeClient({ connection, namespace, dataConverter: { payloadCodecs } }),
          inject: [CONNECTION, PAYLOAD_CODECS],
        },
        {
          provide: TemporalHealth,
          useFactory: ({ connection }: ClosableConnection) => new TemporalHealth(connection, namespace),
          inject: [CONNECTION],
        },
      ],
      exports: [Client, VirtualTimeClient, TemporalHealth],
    };
  }

  async onApplicationShutdown(): Promise<void> {
    await this.connection.close();
  }
}
