import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** Where `npm start` keeps the secret that it made for this installation. */
export function localSecretFile(dataDir: string): string {
  return path.join(dataDir, 'secret.key');
}

/** The secret that `npm start` made, or undefined if it never ran on this data folder. */
export function readLocalSecret(dataDir: string): string | undefined {
  const file = localSecretFile(dataDir);
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : undefined;
}
