import { BadRequestException, ConflictException, Injectable, NotFoundException } from '@nestjs/common';
import { decodeCursor, encodeCursor } from '../../platform/http/paging.js';
import { UsersService, type UserReference } from '../users/index.js';
import { DecisionVerifier, type PartReport } from './verify-walk.js';
import type { VerificationView } from './verify.dto.js';

/** About a second of work; the command walks a whole chain, in a process of its own. */
const DECISIONS_AT_ONCE_MAX = 500;

/** Checks of one user's decisions, asked for over the API: one at a time, so that decisions keep their process. */
@Injectable()
export class VerifyService {
  private isUnderWay = false;

  constructor(
    private readonly verifier: DecisionVerifier,
    private readonly users: UsersService,
  ) {}

  /**
   * The next part of a user's chain; also of a person who was erased, under our id.
   *
   * @param cursor the `next_cursor` of the part before
   * @throws NotFoundException USER_UNKNOWN, ConflictException VERIFICATION_UNDER_WAY, BadRequestException for a cursor of
   *   another user
   */
  async verify(reference: UserReference, cursor: string | undefined): Promise<VerificationView> {
    const userId = reference.kind === 'id' ? reference.id : await this.users.resolve(reference);
    const after = cursor === undefined ? null : decodeCursor(cursor);
    if (this.isUnderWay) {
      const detail = 'another verification is under way: try again';
      throw new ConflictException({ code: 'VERIFICATION_UNDER_WAY', detail });
    }
    this.isUnderWay = true;
    try {
      const report = await this.verifier.verifyPart(userId, { after, limit: DECISIONS_AT_ONCE_MAX });
      if (report === 'no_user') throw unknownUser();
      if (report === 'no_decision') throw foreignCursor();
      return toView(report);
    } finally {
      this.isUnderWay = false;
    }
  }
}

const toView = ({ userId, decisions, madeAgain, faultCount, faults, lastId }: PartReport): VerificationView => ({
  user_id: userId,
  is_intact: faultCount === 0,
  decisions,
  made_again: madeAgain,
  fault_count: faultCount,
  faults: faults.map(({ decisionId, kind, detail }) => ({ decision_id: decisionId, fault: kind, detail })),
  next_cursor: lastId === null ? null : encodeCursor(lastId),
});

const unknownUser = (): NotFoundException =>
  new NotFoundException({ code: 'USER_UNKNOWN', detail: 'there is no such user' });

function foreignCursor(): BadRequestException {
  const errors = [{ path: 'cursor', message: 'is not the next_cursor of an earlier part of this user' }];
  return new BadRequestException({ code: 'INVALID_INPUT', detail: 'the address is not as expected', errors });
}
