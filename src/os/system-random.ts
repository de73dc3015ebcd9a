import { randomBytes } from 'node:crypto';
import { SeededRandom } from '../base/seeded-random.js';

/** The random port of a real process: a fast generator seeded from the system's entropy. */
export function systemRandom(): SeededRandom {
  return new SeededRandom(Number(randomBytes(8).readBigUInt64BE() >> 11n));
}
