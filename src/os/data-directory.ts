import { mkdir } from 'node:fs/promises';
import { definite, messageOf } from '../base/errors.js';

/** Makes a directory for data, with those above it. */
export async function makeDataDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
  } catch (error) {
    throw definite('STORAGE_FAILED', `cannot make the data directory ${path}: ${messageOf(error)}`, error);
  }
}
