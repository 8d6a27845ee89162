/**
 * Ends this process in good order when its supervisor is gone, however it went: `kill -9` leaves the supervisor no time
 * to tell its children, but the system closes the pipe that it held open as our standard input.
 *
 * Does nothing unless the supervisor asked for it (`isSupervised`): elsewhere standard input may be closed from the start.
 *
 * @param stop begins the same shutdown as SIGTERM; called at most once
 */
export function exitWithParent(isSupervised: boolean, stop: () => void): void {
  if (!isSupervised) return;
  process.stdin.once('end', stop);
  process.stdin.once('error', stop);
  process.stdin.resume();
  // Watching must not keep a process alive that has nothing else to do.
  if ('unref' in process.stdin) process.stdin.unref();
}
