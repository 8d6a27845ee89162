export { MessageTracking } from './message-tracking.js';
export { TrackingModule } from './tracking.module.js';
