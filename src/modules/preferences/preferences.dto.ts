import { z } from 'zod';

export const PreferenceLinkView = z
  .object({ url: z.string().meta({ example: 'https://journeys.example.com/preferences/…' }) })
  .meta({ id: 'PreferenceLink' });
export type PreferenceLinkView = z.infer<typeof PreferenceLinkView>;
