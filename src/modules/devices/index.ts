export { DevicesModule } from './devices.module.js';
export { DevicesService } from './devices.service.js';
