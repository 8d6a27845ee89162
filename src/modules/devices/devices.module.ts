import { Module } from '@nestjs/common';
import { SuppressionsModule } from '../suppressions/index.js';
import { UsersModule } from '../users/index.js';
import { DevicesController } from './devices.controller.js';
import { DevicesRepository } from './devices.repository.js';
import { DevicesService } from './devices.service.js';

@Module({
  imports: [SuppressionsModule, UsersModule],
  controllers: [DevicesController],
  providers: [DevicesRepository, DevicesService],
  exports: [DevicesService],
})
export class DevicesModule {}
