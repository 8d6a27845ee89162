import type { Clock } from '../../../platform/clock/clock.js';
import type { Exchanges } from '../../../platform/outbound/exchange.js';
import { ForbiddenAddressError } from '../../../platform/outbound/guarded-request.js';
import type { ProviderAccount } from '../../providers/index.js';
import { parsed } from '../http/exchange-result.js';
import { fcmAddressOf, fcmTokensOf } from '../push/fcm.connector.js';
import { findingOf } from './account-checks.js';
import { UNCLEAR, type Checked } from './checked.js';

const LIMITS = { startWithinMs: 5_000, answerWithinMs: 5_000, answerBytesMax: 20_000 } as const;
/** FCM looks at it as at any other message, and sends it to nobody. */
const NOTHING = JSON.stringify({ validate_only: true, message: { topic: 'tactful-check' } });

/** Fetches an access token, and has FCM look at a message that is not to be sent. */
export async function checkFcm(exchanges: Exchanges, account: ProviderAccount, clock: Clock): Promise<Checked> {
  const token = await fcmTokensOf(exchanges, account, clock).get();
  if (token.kind === 'none') {
    return { ...UNCLEAR, because: token.detail, outcome: token.isRefused ? 'refused' : 'unclear' };
  }
  try {
    const exchange = await exchanges.post({
      ...{ ...LIMITS, body: NOTHING, url: fcmAddressOf(account) },
      headers: { authorization: `Bearer ${token.text}`, 'content-type': 'application/json' },
    });
    if (exchange.kind !== 'answered') {
      return { ...UNCLEAR, because: exchange.kind === 'late' ? 'no connection in time' : exchange.code };
    }
    const { status, headers, body } = exchange;
    const finding = findingOf({}, { status, headers, json: parsed(body) });
    return { ...finding, status, said: status >= 400 ? body : null };
  } catch (error) {
    if (!(error instanceof ForbiddenAddressError)) throw error;
    return { ...UNCLEAR, because: 'the address is not allowed' };
  }
}
