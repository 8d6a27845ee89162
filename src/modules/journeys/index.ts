export { Admission, type Entered, type EntryRefusal, type EntryWish } from './admission.js';
export { EnrolmentService } from './enrolment.service.js';
export { JourneysModule } from './journeys.module.js';
export { JourneyVersions, toQuietRules } from './journey-versions.js';
export { workflowIdOf } from './run-gateway.js';
export { RunResponses } from './run-responses.repository.js';
export { RunSignals, type UserEvent } from './run-signals.js';
export { RunsRepository } from './runs.repository.js';
