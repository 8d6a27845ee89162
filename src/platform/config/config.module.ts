import { Module, type DynamicModule } from '@nestjs/common';
import type { Config } from './config.js';

/** Injects the settings: `@Inject(CONFIG) config: Config`. */
export const CONFIG = Symbol('CONFIG');

@Module({})
export class ConfigModule {
  static forRoot(config: Config): DynamicModule {
    const provider = { provide: CONFIG, useValue: config };
    return { module: ConfigModule, global: true, providers: [provider], exports: [CONFIG] };
  }
}
