import { Module, type DynamicModule, type OnModuleInit } from '@nestjs/common';
import type { PayloadCodec } from '@temporalio/common';
import { Clock } from '../../platform/clock/clock.js';
import { PAYLOAD_CODECS, SealingCodec } from '../../platform/temporal/sealing.codec.js';
import { UserHooks, UsersModule } from '../users/index.js';
import { CodecController } from './codec.controller.js';
import { PayloadKeysKeeper } from './payload-keys.keeper.js';
import { PayloadKeysRepository } from './payload-keys.repository.js';
import { UserPayloadKeys } from './user-payload-keys.js';

@Module({})
export class PayloadKeysModule implements OnModuleInit {
  constructor(
    private readonly hooks: UserHooks,
    private readonly keys: PayloadKeysRepository,
  ) {}

  /** @param options.isSealing whether new payloads are sealed; what was sealed before can be read either way */
  static forRoot({ isSealing }: { readonly isSealing: boolean }): DynamicModule {
    return {
      module: PayloadKeysModule,
      global: true,
      imports: [UsersModule],
      controllers: [CodecController],
      providers: [
        Clock,
        PayloadKeysKeeper,
        PayloadKeysRepository,
        UserPayloadKeys,
        {
          provide: SealingCodec,
          useFactory: (keys: UserPayloadKeys) => new SealingCodec(keys),
          inject: [UserPayloadKeys],
        },
        {
          provide: PAYLOAD_CODECS,
          useFactory: (codec: SealingCodec): PayloadCodec[] => [isSealing ? codec : opening(codec)],
          inject: [SealingCodec],
        },
      ],
      exports: [PAYLOAD_CODECS, PayloadKeysKeeper],
    };
  }

  onModuleInit(): void {
    this.hooks.onErase((transaction, { userId }) => this.keys.doom(transaction, userId));
  }
}

/** Reads what was sealed once, and seals nothing. */
const opening = (codec: SealingCodec): PayloadCodec => ({
  encode: (payloads) => Promise.resolve(payloads),
  decode: (payloads) => codec.decode(payloads),
});
