import { Log } from './log.js';
import { prettyStream } from './pretty-stream.js';

const config = { isProduction: true, logLevel: 'info' } as const;

function logged(write: (log: Log) => void): Record<string, unknown>[] {
  const lines: string[] = [];
  write(new Log(config, { write: (line) => void lines.push(line) }));
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe('Log', () => {
  it('writes one JSON line with its facts', () => {
    expect(logged((log) => log.info('request', { method: 'GET', status: 200 }))).toMatchObject([
      { level: 30, msg: 'request', method: 'GET', status: 200, time: expect.any(Number) as number },
    ]);
  });

  it('keeps quiet below its level', () => {
    expect(logged((log) => log.debug('noise'))).toEqual([]);
  });

  it('writes the stack of an error, in our form and in that of the framework', () => {
    const [ours, framework] = logged((log) => {
      log.error('failed', { error: new TypeError('broken'), errorId: '1' });
      log.error('failed', 'the stack', 'Router');
    });
    expect(ours).toMatchObject({ level: 50, errorId: '1', error: { type: 'TypeError', message: 'broken' } });
    expect(framework).toMatchObject({ stack: 'the stack', context: 'Router' });
  });
});

describe('Log under Nest’s own logger', () => {
  it('takes a text, then facts, then the name of a class', () => {
    const [line] = logged((log) => log.warn('round failed', { error: new Error('broken') }, 'OutboxDispatcher'));
    expect(line).toMatchObject({
      level: 40,
      msg: 'round failed',
      context: 'OutboxDispatcher',
      error: { message: 'broken' },
    });
  });

  it('takes an error in place of the text', () => {
    const [line] = logged((log) => log.error(new Error('broken'), 'ExceptionsHandler'));
    expect(line).toMatchObject({ msg: 'error', context: 'ExceptionsHandler', error: { message: 'broken' } });
  });

  it('leaves out what the framework tells about its start, and nothing else', () => {
    const lines = logged((log) => {
      log.log('Mapped {/api/users, GET} route', 'RouterExplorer');
      log.log('ready', 'WorkerHost');
    });
    expect(lines).toMatchObject([{ msg: 'ready', context: 'WorkerHost' }]);
  });
});

describe('prettyStream', () => {
  it('writes a line that people can read, and the stack below it', () => {
    const lines: string[] = [];
    const log = new Log(
      config,
      prettyStream((line) => void lines.push(line)),
    );
    log.info('request', { method: 'GET', status: 200, ids: [1] });
    log.error('failed', { error: new Error('broken') });
    log.error('failed', { error: new Error('outer', { cause: new TypeError('inner') }) });
    expect(lines[0]).toMatch(/^\d\d:\d\d:\d\d info request method=GET status=200 ids=\[1\]\n$/);
    expect(lines[1]).toMatch(/^\d\d:\d\d:\d\d ERROR failed\nError: broken\n\s+at /);
    expect(lines[2]).toMatch(/ERROR failed\nError: outer\n\s+at [^]+\ncaused by TypeError: inner\n\s+at /);
  });
});
