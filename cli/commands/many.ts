/**
 * Commands on several keys: mget, mset, del and exists. All keys are asked for at once; what fails is told key by key,
 * and the others are still done.
 */
import type { CliClient, Entry, SetOptions } from '../client.js';
import { type Effect, viewError, writeError } from '../output/error-view.js';
import { writeJson, writeLine } from '../output/output.js';
import { renderTable } from '../output/table.js';
import {
  ABSENT,
  DONE,
  type ExitCode,
  FAILED,
  readOptions,
  type Session,
  type Settings,
  writeOptions,
} from '../session.js';
import { decodeArgument, jsonBytes, shortKey, showBytes } from '../text/byte-encoding.js';
import { UsageError } from '../usage-error.js';
import { checkSize, entryJson, keyOf, ttlOption } from './arguments.js';

/** `mset KEY VALUE [KEY VALUE…] [--ttl T]`. */
export async function setMany(session: Session, words: readonly string[], ttlMs?: number): Promise<ExitCode> {
  const { output, settings } = session;
  const pairs = pairsOf(words, settings);
  const options: SetOptions = { ...writeOptions(settings, session.signal), ...ttlOption(ttlMs, session) };
  const client = await session.client();
  const keys = pairs.map(({ key }) => key);
  const outcomes = await forEachKey(keys, (_, i) =>
    client.set(keys[i]!, pairs[i]!.value, options).then(() => true),
  );
  for (const { key, result } of outcomes) {
    if (settings.json && result !== undefined)
      await writeJson(output, { ...jsonBytes('key', key), done: true });
  }
  const stored = outcomes.filter(({ result }) => result !== undefined).length;
  if (!settings.json && output.isTerminal) await writeLine(output, `stored ${stored} of ${pairs.length}`);
  return conclude(session, outcomes, 'writes');
}

/** `del KEY…`: 1 when a key was not there. */
export function remove(session: Session, keyTexts: readonly string[]): Promise<ExitCode> {
  const ask = (client: CliClient, key: Uint8Array) =>
    client.delete(key, writeOptions(session.settings, session.signal));
  return askEach(session, keyTexts, {
    ask,
    effect: 'writes',
    field: 'deleted',
    yes: 'deleted',
    no: 'absent',
  });
}

/** `exists KEY…`: 1 when a key is not there. */
export function exists(session: Session, keyTexts: readonly string[]): Promise<ExitCode> {
  const ask = (client: CliClient, key: Uint8Array) =>
    client.exists(key, readOptions(session.settings, session.signal));
  return askEach(session, keyTexts, { ask, effect: 'reads', field: 'exists', yes: 'exists', no: 'absent' });
}

/** `mget KEY…`: a table on a terminal, else lines of key, tab, value with both escaped; absent keys have no value. */
export async function getMany(session: Session, keyTexts: readonly string[]): Promise<ExitCode> {
  const { output, settings } = session;
  const keys = keyTexts.map((text) => keyOf(text, settings));
  const client = await session.client();
  const options = readOptions(settings, session.signal);
  const outcomes = await forEachKey(keys, (key) => client.getEntry(key, options));
  const answered = outcomes.filter(({ result }) => result !== undefined);
  const entries = answered.map(({ key, result }) => ({ key, entry: result ?? null }));
  if (settings.json) {
    for (const { key, entry } of entries) await writeJson(output, entryJson(key, entry));
  } else if (output.isTerminal && entries.length > 0) {
    const rows = entries.map(({ key, entry }) => [showBytes(key, settings.keys), valueCell(entry, session)]);
    await output.write(renderTable([{ title: 'KEY' }, { title: 'VALUE' }], rows, output.colour));
  } else {
    for (const { key, entry } of entries) await writeLine(output, tabbed(key, entry, settings));
  }
  return conclude(session, outcomes, 'reads');
}

interface Outcome<T> {
  readonly key: Uint8Array;
  /** Undefined when it failed. */
  readonly result?: T;
  readonly error?: unknown;
}

/** Asks for all keys at once; the client library bounds what is in flight. */
async function forEachKey<T>(
  keys: readonly Uint8Array[],
  ask: (key: Uint8Array, index: number) => Promise<T>,
): Promise<Outcome<T>[]> {
  const settled = await Promise.allSettled(keys.map(ask));
  return settled.map((outcome, i) => {
    const key = keys[i]!;
    return outcome.status === 'fulfilled' ? { key, result: outcome.value } : { key, error: outcome.reason };
  });
}

async function askEach(
  session: Session,
  keyTexts: readonly string[],
  question: {
    ask: (client: CliClient, key: Uint8Array) => Promise<boolean>;
    effect: Effect;
    /** Name of the answer in JSON. */
    field: string;
    yes: string;
    no: string;
  },
): Promise<ExitCode> {
  const { output, settings } = session;
  const keys = keyTexts.map((text) => keyOf(text, settings));
  const client = await session.client();
  const outcomes = await forEachKey(keys, (key) => question.ask(client, key));
  for (const { key, result } of outcomes) {
    if (result === undefined) continue;
    const answer = result ? question.yes : question.no;
    if (settings.json) await writeJson(output, { ...jsonBytes('key', key), [question.field]: result });
    else await writeLine(output, keys.length === 1 ? answer : `${answer}  ${showBytes(key, settings.keys)}`);
  }
  return conclude(session, outcomes, question.effect);
}

/** Tells what failed, key by key, and the exit code of them all. */
function conclude(
  { output, settings }: Session,
  outcomes: readonly Outcome<unknown>[],
  effect: Effect,
): ExitCode {
  const failed = outcomes.filter(({ error }) => error !== undefined);
  for (const { key, error } of failed) {
    const view = viewError(error, effect);
    const message = outcomes.length === 1 ? view.message : `${shortKey(key)}: ${view.message}`;
    writeError(output, { ...view, message }, { program: 'kvcli', effect, json: settings.json });
  }
  if (failed.length > 0) return FAILED;
  return outcomes.every(({ result }) => result !== null && result !== false) ? DONE : ABSENT;
}

/** Keys and values in turn. Of a key that comes twice only the last value is kept: the writes have no order. */
function pairsOf(words: readonly string[], settings: Settings): { key: Uint8Array; value: Uint8Array }[] {
  if (words.length % 2 !== 0) {
    throw new UsageError(`mset takes keys and values in turn; "${words.at(-1)}" has no value`);
  }
  const pairs = new Map<string, { key: Uint8Array; value: Uint8Array }>();
  for (let i = 0; i < words.length; i += 2) {
    const value = checkSize(decodeArgument(words[i + 1]!, settings.values, 'value'));
    pairs.set(words[i]!, { key: keyOf(words[i]!, settings), value });
  }
  return [...pairs.values()];
}

function tabbed(key: Uint8Array, entry: Entry | null, settings: Settings): string {
  const name = showBytes(key, settings.keys);
  return entry === null ? name : `${name}\t${showBytes(entry.value, settings.values)}`;
}

function valueCell(entry: Entry | null, { output, settings }: Session): string {
  return entry === null ? output.colour.dim('(absent)') : showBytes(entry.value, settings.values);
}
