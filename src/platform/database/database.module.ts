import { Module, type DynamicModule } from '@nestjs/common';
import { Clock } from '../clock/clock.js';
import { Database, DATABASE_OPTIONS, type DatabaseOptions } from './database.js';
import { PartitionKeeper } from './partition-keeper.js';
import { Retention } from './retention.js';

@Module({})
export class DatabaseModule {
  static forRoot(options: DatabaseOptions): DynamicModule {
    return {
      module: DatabaseModule,
      global: true,
      providers: [{ provide: DATABASE_OPTIONS, useValue: options }, Clock, Database, PartitionKeeper, Retention],
      exports: [Database, PartitionKeeper, Retention],
    };
  }
}
