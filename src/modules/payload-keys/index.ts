export { PayloadKeysKeeper } from './payload-keys.keeper.js';
export { PayloadKeysModule } from './payload-keys.module.js';
