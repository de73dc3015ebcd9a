/** Commands on one key: get, set and ttl. */
import { VALUE_BYTES_MAX } from '../../src/base/limits.js';
import { type Output, writeJson, writeLine } from '../output/output.js';
import {
  ABSENT,
  DONE,
  type ExitCode,
  readOptions,
  type Session,
  type Settings,
  writeOptions,
} from '../session.js';
import { decodeArgument, isSafeOnTerminal, jsonBytes, shortKey, showBytes } from '../text/byte-encoding.js';
import { formatDuration } from '../text/duration.js';
import { formatCount } from '../text/quantity.js';
import { UsageError } from '../usage-error.js';
import { checkSize, entryJson, keyOf, tooLarge, ttlOption } from './arguments.js';

/** `get KEY`: the value's bytes and nothing else, but on a terminal: there, one newline, and nothing that could harm it. */
export async function get(session: Session, keyText: string): Promise<ExitCode> {
  const { output, settings } = session;
  const key = keyOf(keyText, settings);
  const client = await session.client();
  const entry = await client.getEntry(key, readOptions(settings, session.signal));
  if (settings.json) await writeJson(output, entryJson(key, entry));
  else if (entry === null) noteAbsent(output, key);
  else await writeValue(output, entry.value, settings);
  return entry === null ? ABSENT : DONE;
}

/** `set KEY VALUE [--ttl T]`. */
export async function set(
  session: Session,
  keyText: string,
  valueText: string,
  ttlMs?: number,
): Promise<ExitCode> {
  const { output, settings } = session;
  const key = keyOf(keyText, settings);
  const value =
    valueText === '-' ? await readValue(session) : decodeArgument(valueText, settings.values, 'value');
  const options = { ...writeOptions(settings, session.signal), ...ttlOption(ttlMs, session) };
  const client = await session.client();
  await client.set(key, checkSize(value), options);
  if (settings.json) await writeJson(output, { ...jsonBytes('key', key), done: true });
  else if (output.isTerminal) await writeLine(output, output.colour.green('OK'));
  return DONE;
}

/** `ttl KEY`: how long the value will live. */
export async function ttl(session: Session, keyText: string): Promise<ExitCode> {
  const { output, settings, clock } = session;
  const key = keyOf(keyText, settings);
  const client = await session.client();
  // Infinity for a value that does not expire, null for none.
  const ttlMs = await client.ttl(key, readOptions(settings, session.signal));
  const doesExpire = ttlMs !== null && Number.isFinite(ttlMs);
  if (settings.json) {
    await writeJson(output, {
      ...jsonBytes('key', key),
      exists: ttlMs !== null,
      ttlMs: doesExpire ? ttlMs : null,
    });
  } else if (ttlMs === null) noteAbsent(output, key);
  else if (!doesExpire) await writeLine(output, 'does not expire');
  else {
    const moment = new Date(clock.wallMs() + ttlMs).toISOString();
    await writeLine(output, `expires in ${formatDuration(ttlMs)}, at ${moment}`);
  }
  return ttlMs === null ? ABSENT : DONE;
}

/** Standard input as a value; text encodings are decoded, and may end in a newline. */
async function readValue({ input, settings }: Session): Promise<Uint8Array> {
  if (input === undefined)
    throw new UsageError('standard input is taken by the prompt; give the value itself');
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  const bytesMax = settings.values === 'text' ? VALUE_BYTES_MAX : 2 * VALUE_BYTES_MAX + 2;
  for await (const chunk of input) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > bytesMax) throw tooLarge(`more than ${formatCount(bytesMax)}`);
  }
  const read = Buffer.concat(chunks);
  return settings.values === 'text'
    ? read
    : decodeArgument(read.toString('latin1').trim(), settings.values, 'value');
}

async function writeValue(output: Output, value: Uint8Array, settings: Settings): Promise<void> {
  if (settings.values !== 'text') return writeLine(output, showBytes(value, settings.values));
  if (!output.isTerminal) return output.write(value);
  if (!isSafeOnTerminal(value)) {
    output.note(
      output.errorColour.dim('(not plain text: shown escaped; redirect it to get the bytes, or use --hex)'),
    );
    return writeLine(output, showBytes(value, 'text'));
  }
  await output.write(value);
  if (value.at(-1) !== 0x0a) await output.write('\n');
}

function noteAbsent(output: Output, key: Uint8Array): void {
  if (output.isTerminal) output.note(output.errorColour.dim(`(${shortKey(key)} is absent)`));
}
