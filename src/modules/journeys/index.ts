export { JourneysModule } from './journeys.module.js';
export { JourneyVersions } from './journey-versions.js';
export { RunSignals, type UserEvent } from './run-signals.js';
export { RunsRepository } from './runs.repository.js';
