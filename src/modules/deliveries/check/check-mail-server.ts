import { SmtpLines } from '../smtp-lines.js';
import { UNCLEAR, type Checked } from './checked.js';

/** Connects, greets and logs in, as for a message, and goes away. */
export async function checkMailServer(url: string): Promise<Checked> {
  const lines = new SmtpLines(url);
  try {
    const { line } = await lines.take();
    line.quit();
    return { outcome: 'ok', because: null, status: null, said: null };
  } catch (error) {
    const { code = 'no answer', responseCode: status = null, response: said = null } = error as SmtpFailure;
    const isRefused = code === 'EAUTH' || code === 'ENOAUTH' || (status !== null && status >= 500);
    return isRefused
      ? { outcome: 'refused', because: code, status, said }
      : { ...UNCLEAR, because: code, status, said };
  } finally {
    lines.close();
  }
}

/** Of the mail library. */
interface SmtpFailure {
  readonly code?: string;
  readonly responseCode?: number;
  readonly response?: string;
}
