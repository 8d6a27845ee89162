import { Inject, Module, type DynamicModule, type OnApplicationShutdown } from '@nestjs/common';
import { Client } from '@temporalio/client';
import { connectLazily, type ClosableConnection } from './connection.js';
import { TemporalHealth } from './temporal.health.js';
import { VirtualTimeClient } from './virtual-time.client.js';

export interface TemporalModuleOptions {
  readonly address: string;
  readonly namespace: string;
}

const CONNECTION = Symbol('the connection to Temporal');

/** Client side only: the API must not load the worker's native library. Nothing connects before the first call. */
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
          useFactory: ({ connection }: ClosableConnection) => new Client({ connection, namespace }),
          inject: [CONNECTION],
        },
        {
          provide: VirtualTimeClient,
          useFactory: ({ connection }: ClosableConnection) => new VirtualTimeClient({ connection, namespace }),
          inject: [CONNECTION],
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
