import { Module } from '@nestjs/common';
import { UserHooks } from './user-hooks.js';
import { UsersController } from './users.controller.js';
import { UsersRepository } from './users.repository.js';
import { UsersService } from './users.service.js';

@Module({
  controllers: [UsersController],
  providers: [UsersService, UsersRepository, UserHooks],
  exports: [UsersService, UserHooks],
})
export class UsersModule {}
