import { isForbiddenName, PATH_PARTS_MAX } from '../kernel/attribute-path.js';

const ATTRIBUTES = 'attributes';

type Document = Readonly<Record<string, unknown>>;

/** The parts of a profile that steps of journeys may set; `lifecycleStage` as it was given, whatever it is. */
interface Settable<Stage> {
  readonly lifecycleStage: Stage;
  readonly attributes: Document;
}

/**
 * A profile with some of its parts set anew; the one that was given stays as it is.
 *
 * @param set values by path: `lifecycle_stage`, or `attributes.<dotted path>` of at most ten parts. Objects on the way
 *   are made where there are none. Null takes an attribute away.
 * @returns null where a path leads elsewhere, or through something that is there and is no object: setting it would
 *   destroy what somebody else wrote
 * @example setAttributes(profile, { lifecycle_stage: 'won', 'attributes.trial.ended': true })
 */
export function setAttributes(
  profile: Settable<string | null>,
  set: Readonly<Record<string, string | number | boolean | null>>,
): Settable<unknown> | null {
  let lifecycleStage: unknown = profile.lifecycleStage;
  let attributes: Document | null = profile.attributes;
  for (const [path, value] of Object.entries(set)) {
    const [head, ...parts] = path.split('.');
    if (path === 'lifecycle_stage') lifecycleStage = value;
    else if (head !== ATTRIBUTES || !isPath(parts)) return null;
    else attributes = attributes === null ? null : withValue(attributes, parts, value);
  }
  return attributes === null ? null : { lifecycleStage, attributes };
}

const isPath = (parts: readonly string[]): boolean =>
  parts.length > 0 && parts.length < PATH_PARTS_MAX && parts.every((part) => part.length > 0 && !isForbiddenName(part));

function withValue(document: Document, [part = '', ...rest]: readonly string[], value: unknown): Document | null {
  const { [part]: _replaced, ...others } = document;
  const found = Object.hasOwn(document, part) ? (document[part] ?? null) : null;
  if (rest.length === 0) return value === null ? others : { ...others, [part]: value };
  if (!isDocument(found) && found !== null) return null;
  if (found === null && value === null) return document;
  const inner = withValue(found ?? {}, rest, value);
  return inner === null ? null : { ...others, [part]: inner };
}

const isDocument = (value: unknown): value is Document =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
