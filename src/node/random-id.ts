/** Identifiers that nobody else has: of clusters, data directories and runs. */
import type { Random } from '../ports/random.js';

/** 128 random bits in hex. */
export function randomId(random: Random): string {
  return Array.from({ length: 4 }, () => random.u32().toString(16).padStart(8, '0')).join('');
}
