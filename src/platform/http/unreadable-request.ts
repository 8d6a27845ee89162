/** The request cannot be read at all. Fastify answers with `statusCode`. */
export class UnreadableRequest extends Error {
  readonly statusCode = 400;
}
