import { z } from 'zod';

export const ControlsInput = z
  .strictObject({ kill_switch: z.boolean().meta({ description: 'True: nothing is sent to anybody.' }) })
  .meta({ id: 'ControlsInput' });
export type ControlsInput = z.infer<typeof ControlsInput>;

export const ControlsView = z
  .object({
    kill_switch: z.boolean(),
    version: z.number().int(),
    changed_at: z.string(),
    changed_by: z.string().nullable(),
  })
  .meta({ id: 'Controls' });
export type ControlsView = z.infer<typeof ControlsView>;
