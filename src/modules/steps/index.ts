export { Acts } from './acts.service.js';
export { Moments } from './moments.service.js';
export { RunQuestions } from './run-questions.service.js';
export { AttemptAliveError } from './step-errors.js';
export { StepsModule } from './steps.module.js';
export { StepsService } from './steps.service.js';
