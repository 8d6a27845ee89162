import type { Setting } from './setting.js';
import { settings } from './settings.js';
import type { SettingName, SettingValues } from './settings.js';

const FOUND_CHARACTERS_MAX = 80;

export type Environment = Readonly<Record<string, string | undefined>>;

/** What is wrong with one setting, and what would be right. */
export interface SettingFault {
  readonly name: SettingName;
  /** Overrides the table's words where a rule between settings was broken. */
  readonly expected?: string;
}

/** Names every setting at fault at once, with what was found (secrets excepted), what is expected and an example. */
export class ConfigError extends Error {
  readonly faults: readonly SettingFault[];

  // No parameter property: the tools import this file with its types stripped only.
  constructor(faults: readonly SettingFault[], environment: Environment) {
    const count = faults.length === 1 ? '1 setting is wrong' : `${faults.length} settings are wrong`;
    const lines = faults.map((fault) => describeFault(fault, environment));
    super([`${count}:`, ...lines, 'All settings: docs/reference/configuration.md'].join('\n'));
    this.name = 'ConfigError';
    this.faults = faults;
  }
}

/**
 * The text of a setting, or undefined: an empty variable counts as not set, because compose files and CI write those.
 */
export function settingText(environment: Environment, name: SettingName): string | undefined {
  const text = environment[name]?.trim();
  return text === '' ? undefined : text;
}

/** Each setting by itself; rules between settings are asked in config.ts. */
export function readSettings(environment: Environment): {
  readonly values: SettingValues;
  readonly faults: readonly SettingFault[];
} {
  const values: Record<string, unknown> = {};
  const faults: SettingFault[] = [];
  for (const name of settingNames) {
    const text = settingText(environment, name) ?? settings[name].default;
    if (text === null) continue;
    const parsed = settings[name].schema.safeParse(text);
    if (parsed.success) values[name] = parsed.data;
    else faults.push({ name });
  }
  return { values: values as SettingValues, faults };
}

const settingNames = Object.keys(settings) as readonly SettingName[];

function describeFault({ name, expected }: SettingFault, environment: Environment): string {
  const setting: Setting = settings[name];
  const example = `for example ${name}=${setting.example}`;
  return `  ${name}: ${found(setting, settingText(environment, name))}; expected ${expected ?? setting.expected}; ${example}`;
}

function found(setting: Setting, text: string | undefined): string {
  if (text === undefined) return 'not set';
  if (setting.isSecret === true) return 'set (not shown)';
  const isLong = text.length > FOUND_CHARACTERS_MAX;
  return `found ${JSON.stringify(isLong ? `${text.slice(0, FOUND_CHARACTERS_MAX)}…` : text)}`;
}
