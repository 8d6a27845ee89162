import { createHash } from 'node:crypto';
import type { ChainRow } from './verify-chain.js';
import { DecisionVerifier } from './verify-walk.js';
import type { ChainHead, VerifyRepository } from './verify.repository.js';

const ROWS = 100;
const sha256 = (...parts: readonly Buffer[]): Buffer => createHash('sha256').update(Buffer.concat(parts)).digest();

/** The chain of a person who was erased, answered without any wait. */
function verifierOf(rows: readonly ChainRow[]): DecisionVerifier {
  const repository: Pick<VerifyRepository, 'head' | 'rows'> = {
    head: (userId): Promise<ChainHead> => {
      const last = rows.at(-1);
      return Promise.resolve({
        userId,
        length: rows.length,
        hash: last?.chainHash ?? Buffer.alloc(0),
        highest: rows.length,
      });
    },
    rows: (_userId, from, upTo, limit) =>
      Promise.resolve(rows.filter(({ chainSeq }) => chainSeq > from.seq && chainSeq <= upTo).slice(0, limit)),
  };
  return new DecisionVerifier(repository as VerifyRepository);
}

function chainOf(length: number): readonly ChainRow[] {
  const payloadHash = sha256(Buffer.from('gone'));
  let chainHash = Buffer.alloc(0);
  return Array.from({ length }, (_, index) => {
    chainHash = sha256(chainHash, payloadHash) as Buffer<ArrayBuffer>;
    const gone = { payload: null, record: null, definitionsHash: null, isErased: true };
    const step = { runKey: null, stepId: null, visit: null, ask: null };
    const outcome = { outcome: 'do_nothing', channel: 'none', action: 'none', reason: null, until: null };
    const place = { id: `id-${index}`, userId: 'u', source: 'api', clockDomain: 'real', decidedAt: 0 };
    return { ...gone, ...step, ...outcome, ...place, payloadHash, chainSeq: index + 1, chainHash };
  });
}

describe('DecisionVerifier', () => {
  it('lets others have their turn every few decisions: it may run in the process that answers requests', async () => {
    let turns = 0;
    let isDone = false;
    const turn = (): void => {
      turns += 1;
      if (!isDone) setImmediate(turn);
    };
    setImmediate(turn);
    const report = await verifierOf(chainOf(ROWS)).verifyUser('u');
    isDone = true;
    expect(report).toMatchObject({ decisions: ROWS, faultCount: 0 });
    expect(turns).toBeGreaterThanOrEqual(ROWS / 10);
  });
});
