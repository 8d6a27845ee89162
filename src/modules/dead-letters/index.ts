export { DeadLettersModule } from './dead-letters.module.js';
export { ReplayKeeper } from './replay-keeper.js';
