const BAR_WIDTH = 30;
const REDRAW_MS = 100;
/** Where nobody watches a terminal, a line every tenth is enough. */
const STEPS_WITHOUT_TERMINAL = 10;

/** Where progress is written; `process.stdout` is one. */
export interface ProgressOutput {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/** A bar on a terminal, some lines elsewhere. */
export interface Progress {
  /** @param done so far, at most the total; `note` stands behind the bar */
  set(done: number, note?: string): void;
  /** Leaves the last state on the screen and goes to the next line. */
  end(note?: string): void;
}

/** @param total more than 0, or the bar is full from the start */
export function createProgress(label: string, total: number, output: ProgressOutput = process.stdout): Progress {
  let done = 0;
  let note = '';
  let drawnAt = 0;
  let shownStep = 0;
  const line = (): string => progressLine({ label, done, total, note });
  return {
    set(nextDone, nextNote = note) {
      done = nextDone;
      note = nextNote;
      if (output.isTTY === true) {
        if (performance.now() - drawnAt < REDRAW_MS) return;
        drawnAt = performance.now();
        output.write(`\r\x1b[2K${line()}`);
        return;
      }
      const step = Math.floor((done / Math.max(1, total)) * STEPS_WITHOUT_TERMINAL);
      if (step <= shownStep) return;
      shownStep = step;
      output.write(`${line()}\n`);
    },
    end(lastNote = note) {
      done = total;
      note = lastNote;
      output.write(output.isTTY === true ? `\r\x1b[2K${line()}\n` : `${line()}\n`);
    },
  };
}

/** One line: label, bar, numbers, note. */
export function progressLine(at: {
  readonly label: string;
  readonly done: number;
  readonly total: number;
  readonly note: string;
}): string {
  const share = at.total === 0 ? 1 : Math.min(1, at.done / at.total);
  const filled = Math.round(share * BAR_WIDTH);
  const bar = `${'█'.repeat(filled)}${'░'.repeat(BAR_WIDTH - filled)}`;
  const numbers = `${at.done.toLocaleString('en')}/${at.total.toLocaleString('en')}`;
  return `  ${at.label.padEnd(18)} ${bar} ${numbers}${at.note === '' ? '' : `  ${at.note}`}`;
}
