import { Global, Module } from '@nestjs/common';
import { AddressHasher } from './address-hash.js';

@Global()
@Module({ providers: [AddressHasher], exports: [AddressHasher] })
export class AddressModule {}
