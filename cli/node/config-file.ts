/** Reads the JSON file of `kvd --config`. */
import { readFile } from 'node:fs/promises';
import { messageOf } from '../../src/base/errors.js';
import { fileError } from '../transfer/files.js';
import { UsageError } from '../usage-error.js';

/** @throws UsageError when it cannot be read, or is no JSON. */
export async function readConfigFile(path: string): Promise<{ path: string; content: unknown }> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw fileError('read', path, error);
  }
  try {
    return { path, content: JSON.parse(text) };
  } catch (error) {
    throw new UsageError(`${path} is not JSON: ${messageOf(error)}`, { cause: error });
  }
}
