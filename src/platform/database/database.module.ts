import { Module, type DynamicModule } from '@nestjs/common';
import { Database, DATABASE_OPTIONS, type DatabaseOptions } from './database.js';
import { PartitionKeeper } from './partition-keeper.js';

@Module({})
export class DatabaseModule {
  static forRoot(options: DatabaseOptions): DynamicModule {
    return {
      module: DatabaseModule,
      global: true,
      providers: [{ provide: DATABASE_OPTIONS, useValue: options }, Database, PartitionKeeper],
      exports: [Database, PartitionKeeper],
    };
  }
}
