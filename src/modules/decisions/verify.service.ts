import { Injectable, NotFoundException, UnprocessableEntityException } from '@nestjs/common';
import { UsersService, type UserReference } from '../users/index.js';
import { DecisionVerifier } from './verify-walk.js';
import type { VerificationView } from './verify.dto.js';

/** Some seconds of work; the command has no such limit. */
const DECISIONS_MAX = 5_000;

/** Checks of one user's decisions, asked for over the API. */
@Injectable()
export class VerifyService {
  constructor(
    private readonly verifier: DecisionVerifier,
    private readonly users: UsersService,
  ) {}

  /** Also for a person who was erased, under our id. @throws NotFoundException USER_UNKNOWN, UnprocessableEntityException TOO_MANY_DECISIONS */
  async verify(reference: UserReference): Promise<VerificationView> {
    const userId = reference.kind === 'id' ? reference.id : await this.users.resolve(reference);
    if (((await this.verifier.chainLength(userId)) ?? 0) > DECISIONS_MAX) {
      const detail = `more than ${DECISIONS_MAX} decisions: use the command verify:decisions`;
      throw new UnprocessableEntityException({ code: 'TOO_MANY_DECISIONS', detail });
    }
    const report = await this.verifier.verifyUser(userId);
    if (report === null) throw new NotFoundException({ code: 'USER_UNKNOWN', detail: 'there is no such user' });
    return {
      user_id: userId,
      is_intact: report.faultCount === 0,
      decisions: report.decisions,
      made_again: report.madeAgain,
      fault_count: report.faultCount,
      faults: report.faults.map(({ decisionId, kind, detail }) => ({ decision_id: decisionId, fault: kind, detail })),
    };
  }
}
