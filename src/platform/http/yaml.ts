import { isAlias, isMap, isScalar, LineCounter, parseDocument, visit, type Document, type YAMLMap } from 'yaml';
import { UnreadableRequest } from './unreadable-request.js';

/** An alias repeats what its anchor holds: a few dozen, each of aliases, would fill the memory. */
const ALIASES_MAX = 100;
/** Maps, lists and the pairs between them; far beyond the nesting that any body may have. */
const DEPTH_MAX = 100;
const TOO_MANY_ALIASES = `aliases repeat more than ${ALIASES_MAX} values`;

/**
 * The value of a YAML 1.2 document, as far as JSON can say it: keys are text, no key stands twice in one place, and no
 * tag makes a value of another kind.
 *
 * @throws UnreadableRequest with line and column
 */
export function parseYaml(text: string): unknown {
  const lineCounter = new LineCounter();
  // The library compares each key with all others of its map; `refuseKeys` needs no such time.
  const document = parseDocument(text, { lineCounter, prettyErrors: false, uniqueKeys: false });
  const refuse: Refuse = (offset, message) => {
    const { line, col } = lineCounter.linePos(offset);
    throw new UnreadableRequest(`the body is not YAML as it is taken here: line ${line}, column ${col}: ${message}`);
  };
  const [fault] = [...document.errors, ...document.warnings];
  if (fault !== undefined) refuse(fault.pos[0], fault.message);
  if (document.directives?.yaml.version !== '1.2') refuse(0, 'only version 1.2 is known');
  refuseStrangeParts(document, refuse);
  try {
    return document.toJS({ maxAliasCount: ALIASES_MAX });
  } catch (error) {
    if (!(error instanceof ReferenceError)) throw error;
    return refuse(0, TOO_MANY_ALIASES);
  }
}

type Refuse = (offset: number, message: string) => never;

function refuseStrangeParts(document: Document.Parsed, refuse: Refuse): void {
  let aliases = 0;
  visit(document, {
    Node: (_key, node, path) => {
      const [offset = 0] = node.range ?? [];
      if (path.length > DEPTH_MAX) refuse(offset, 'too many levels');
      if (isAlias(node)) {
        aliases += 1;
        if (aliases > ALIASES_MAX) refuse(offset, TOO_MANY_ALIASES);
        const source = node.resolve(document);
        if (source === undefined) refuse(offset, `there is no anchor ${node.source}`);
        if (path.some((above) => above === source)) refuse(offset, 'an alias stands within what it repeats');
        return;
      }
      if (node.tag !== undefined) refuse(offset, `the tag ${node.tag} is not known here`);
      if (isScalar(node) && typeof node.value === 'number' && !Number.isFinite(node.value)) {
        refuse(offset, 'a number must be finite');
      }
      if (isMap(node)) refuseKeys(node, refuse);
    },
  });
}

function refuseKeys(map: YAMLMap, refuse: Refuse): void {
  const names = new Set<string>();
  for (const { key } of map.items) {
    const offset = (isScalar(key) ? key.range?.[0] : undefined) ?? map.range?.[0] ?? 0;
    if (!isScalar(key) || typeof key.value !== 'string') return refuse(offset, 'a key must be text');
    if (names.has(key.value)) refuse(offset, `the key "${key.value}" stands here twice`);
    names.add(key.value);
  }
}
