import { Module, type DynamicModule, type OnApplicationShutdown } from '@nestjs/common';
import { Client, Connection } from '@temporalio/client';
import { TemporalHealth } from './temporal.health.js';
import { VirtualTimeClient } from './virtual-time.client.js';

export interface TemporalModuleOptions {
  readonly address: string;
  readonly namespace: string;
}

const CONNECT_MS_MAX = 4_000;

/** Client side only: the API must not load the worker's native library. Nothing connects before the first call. */
@Module({})
export class TemporalModule implements OnApplicationShutdown {
  constructor(private readonly connection: Connection) {}

  static forRoot({ address, namespace }: TemporalModuleOptions): DynamicModule {
    return {
      module: TemporalModule,
      global: true,
      providers: [
        { provide: Connection, useFactory: () => Connection.lazy({ address, connectTimeout: CONNECT_MS_MAX }) },
        {
          provide: Client,
          useFactory: (connection: Connection) => new Client({ connection, namespace }),
          inject: [Connection],
        },
        {
          provide: VirtualTimeClient,
          useFactory: (connection: Connection) => new VirtualTimeClient({ connection, namespace }),
          inject: [Connection],
        },
        {
          provide: TemporalHealth,
          useFactory: (connection: Connection) => new TemporalHealth(connection, namespace),
          inject: [Connection],
        },
      ],
      exports: [Client, VirtualTimeClient, TemporalHealth],
    };
  }

  async onApplicationShutdown(): Promise<void> {
    await this.connection.close();
  }
}
