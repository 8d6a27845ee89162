import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import { Semaphore } from '../../platform/concurrency/semaphore.js';
import { parsePart } from './liquid.js';

/** Compiled MJML is some ten times as long as its source. */
const HTML_CHARACTERS_MAX = 400_000;
/** The largest source that is accepted takes a few seconds. */
const COMPILE_MS_MAX = 20_000;
const HEAP_MB_MAX = 512;
/** However many store templates at once, the process serves others too. */
const places = new Semaphore(1);
const LIQUID = /\{%.*?%\}|\{\{.*?\}\}/gs;
const COMMENT = /<!--.*?-->/gs;

interface Outcome {
  readonly html: string;
  readonly faults: readonly string[];
}

/**
 * Compiles the MJML of an e-mail; what is Liquid in it stays as it is.
 *
 * @returns HTML, or the faults with their lines: of MJML (strictly), of Liquid, and Liquid that MJML would drop without
 *   a word because it stands where only elements may. Other files are never read.
 */
export async function compileMjml(
  source: string,
): Promise<
  { readonly kind: 'html'; readonly html: string } | { readonly kind: 'faults'; readonly faults: readonly string[] }
> {
  // First, because the lines of the source are those that the author knows.
  const liquid = parsePart(source, { values: 'html' });
  if (liquid.kind === 'faults') return liquid;
  if (/<mj-include\b/i.test(source)) return { kind: 'faults', faults: ['mj-include: no other file can be read here'] };
  const { html, faults } = await places.run(() => compileApart(source));
  if (faults.length > 0) return { kind: 'faults', faults };
  const lost = [...lostLiquid(source, html), ...(html.length > HTML_CHARACTERS_MAX ? [TOO_LONG] : [])];
  return lost.length === 0 ? { kind: 'html', html } : { kind: 'faults', faults: lost };
}

const TOO_LONG = `its HTML has more than ${HTML_CHARACTERS_MAX} characters`;

/**
 * In a thread of its own: to load the compiler takes a second and to run it may take several, in which this process
 * would answer nobody else; and a source that never ends is ended from outside.
 */
const THREAD = `
  const { parentPort, workerData } = require('node:worker_threads');
  const told = ({ line, message }) => 'Line ' + line + ': ' + message;
  const compile = async () => {
    const { html } = await require(workerData.compiler)(workerData.source, workerData.options);
    return { html, faults: [] };
  };
  compile()
    .catch((error) => ({ html: '', faults: error.errors?.toSorted((a, b) => a.line - b.line).map(told) ?? [error.message] }))
    .then((outcome) => parentPort.postMessage(outcome));
`;

function compileApart(source: string): Promise<Outcome> {
  const require = createRequire(import.meta.url);
  const compiler = require.resolve('mjml');
  const options = { validationLevel: 'strict', ignoreIncludes: true, keepComments: false };
  const worker = new Worker(THREAD, {
    eval: true,
    env: {},
    workerData: { compiler, source, options },
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MB_MAX },
  });
  return new Promise((resolve) => {
    const end = (outcome: Outcome): void => {
      clearTimeout(timer);
      void worker.terminate().then(() => {
        resolve(outcome);
      });
    };
    const timer = setTimeout(() => {
      end({ html: '', faults: [`it takes longer than ${COMPILE_MS_MAX} ms to compile`] });
    }, COMPILE_MS_MAX);
    worker.once('message', end);
    worker.once('error', (error) => end({ html: '', faults: [error.message] }));
  });
}

/** Where a piece of Liquid stands less often in the HTML than it was written, one of them at least is gone. */
function lostLiquid(source: string, html: string): readonly string[] {
  const written = source.replace(COMMENT, (comment) => comment.replace(/[^\n]/g, ' '));
  const places = Map.groupBy(written.matchAll(LIQUID), ([text]) => text);
  return [...places].flatMap(([text, found]) => {
    if (html.split(text).length - 1 >= found.length) return [];
    const lines = found.map(({ index }) => written.slice(0, index).split('\n').length);
    return [`Line ${lines.join(' or ')}: ${text} would be lost: between elements it belongs into <mj-raw>`];
  });
}
