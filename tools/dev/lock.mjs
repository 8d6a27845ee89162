// Two supervisors on one data folder would start two servers on the same files.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/**
 * Takes the data folder for this process.
 *
 * @returns gives it back
 * @throws Error that names the process which has it
 */
export function lockDataFolder(dataDir) {
  const file = path.join(dataDir, 'supervisor.pid');
  for (;;) {
    try {
      writeFileSync(file, String(process.pid), { flag: 'wx' });
      return () => rmSync(file, { force: true });
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
      const pid = Number(readFileSync(file, 'utf8'));
      if (isSupervisor(pid)) {
        throw new Error(
          `another "npm start" (process ${pid}) uses ${dataDir}: stop it, or set DATA_DIR to another folder`,
        );
      }
      rmSync(file, { force: true }); // left behind by kill -9
    }
  }
}

function isSupervisor(pid) {
  if (pid === process.pid || !Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    return error.code === 'EPERM';
  }
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('dev.mjs'); // else the number was given out anew
  } catch {
    return true;
  }
}
