import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { sharedModules } from '../../tools/workflow-modules.mjs';

async function bundle() {
  const { code } = await bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL('../../workflows/index.ts', import.meta.url)),
    preloadModules: sharedModules(fileURLToPath(new URL('../..', import.meta.url))),
    logger: new DefaultLogger('WARN'),
  });
  // This run's own folder: a run beside it may hold other sources.
  const folder = mkdtempSync(path.join(tmpdir(), 'tactful-bundle-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  process.env.TEST_WORKFLOW_BUNDLE = path.join(folder, 'workflows.bundle.js');
  writeFileSync(process.env.TEST_WORKFLOW_BUNDLE, code);
}

/** Bundles the sources (not dist) once per run, however many projects ask. */
export default async function () {
  await (globalThis.bundleOfTests ??= bundle());
}
