import { z } from 'zod';
import { JourneyDefinitionDto } from './journeys.dto.js';

/** Without property classes, which some validators do not know. The two say the same. */
const PORTABLE_PATTERNS: Readonly<Record<string, string>> = {
  '^\\P{Cc}*$': '^[^\\u0000-\\u001f\\u007f-\\u009f]*$',
};

/**
 * The shape of a journey definition as JSON Schema, draft 2020-12, for editors. A definition that fits can still be
 * refused: that targets exist and cycles wait, no schema can say.
 */
export function journeySchema(): Readonly<Record<string, unknown>> {
  const { $schema, ...schema } = z.toJSONSchema(JourneyDefinitionDto, {
    target: 'draft-2020-12',
    // What has a default may be left out.
    io: 'input',
    override: ({ jsonSchema }) => {
      // `id` names components of OpenAPI, and `example` is its word.
      delete jsonSchema.id;
      const { pattern } = jsonSchema;
      if (pattern !== undefined) jsonSchema.pattern = PORTABLE_PATTERNS[pattern] ?? pattern;
      if (!('example' in jsonSchema)) return;
      jsonSchema.examples = [jsonSchema['example']];
      delete jsonSchema['example'];
    },
  });
  return { $schema, title: 'Journey definition of Tactful', ...schema };
}
