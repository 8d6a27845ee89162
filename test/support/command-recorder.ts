import { proxySinks, type WorkflowInterceptors } from '@temporalio/workflow';

/** Where replayed code hands over the commands that it would send to the server, as JSON. */
export type CommandSinks = { commands: { report(command: string): void } };

const { commands } = proxySinks<CommandSinks>();

/** Bytes become arrays of numbers: JSON would make an object of them. */
function withPlainBytes(_key: string, value: unknown): unknown {
  return ArrayBuffer.isView(value) ? Array.from(value as Uint8Array) : value;
}

/**
 * Bundled into the workflows for strict replay only.
 *
 * @public the SDK finds it by this name
 */
export const interceptors = (): WorkflowInterceptors => ({
  internals: [
    {
      concludeActivation(input, next) {
        const output = next(input);
        for (const command of output.commands) commands.report(JSON.stringify(command, withPlainBytes));
        return output;
      },
    },
  ],
});
