export { ControlsModule } from './controls.module.js';
