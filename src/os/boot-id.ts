import { readFileSync } from 'node:fs';
import { uptime } from 'node:os';

const MINUTE_MS = 60_000;

/** What is the same until the machine starts again. Where the system has no such id, the minute that it started in. */
export function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return `minute-${Math.round((Date.now() - uptime() * 1000) / MINUTE_MS)}`;
  }
}
