/**
 * Writes every key once before the measurement, pipelined with a bounded number in flight, and insists on an
 * acknowledgement for each: a benchmark over half the data measures something else.
 */
import { definite, indefinite } from '../src/base/errors.js';
import type { Address } from '../src/ports/network.js';
import { type ConnectionSettings, openConnections } from './connection.js';
import { LoadDriver, type Tally } from './driver.js';
import { sleep } from './shell.js';
import { type Kind, WriteEach } from './workload.js';

/** In flight altogether: two connections per node, with this many each. */
const PIPELINE = 64;
const CONNECTIONS_PER_NODE = 2;

/** Keys that were refused (a new cluster may be BUSY) are tried again this often, after a pause. */
const ROUNDS_MAX = 10;
const PAUSE_MS = 500;

/** Without a single answer for this long, there will be none. */
const STALL_MS = 10_000;

class PreloadTally implements Tally {
  acknowledged = 0;
  readonly failedKeys: number[] = [];
  lastCode = '';

  get answered(): number {
    return this.acknowledged + this.failedKeys.length;
  }

  success(_kind: Kind, _startMs: number, _nowMs: number): void {
    this.acknowledged++;
  }

  failure(code: string, key: number): void {
    this.failedKeys.push(key);
    this.lastCode = code;
  }

  sent(): void {}
}

/**
 * Writes the keys 0 to `keys` − 1.
 * @throws KvError `TIMEOUT` when the nodes stop answering, `CONNECTION_LOST` when all connections are lost, `BUSY` when
 *   some key was refused to the end.
 */
export async function preload(
  addresses: readonly Address[],
  keys: number,
  settings: ConnectionSettings,
): Promise<void> {
  let failed = await writeAll(addresses, new WriteEach(keys, (position) => position), settings);
  for (let round = 1; failed.failedKeys.length > 0; round++) {
    const again = failed.failedKeys;
    if (round === ROUNDS_MAX) {
      throw definite('BUSY', `preload: ${again.length} of ${keys} keys were refused (${failed.lastCode})`);
    }
    await sleep(settings.clock, PAUSE_MS);
    failed = await writeAll(addresses, new WriteEach(again.length, (position) => again[position]!), settings);
  }
}

async function writeAll(
  addresses: readonly Address[],
  source: WriteEach,
  settings: ConnectionSettings,
): Promise<PreloadTally> {
  const count = addresses.length * CONNECTIONS_PER_NODE;
  const connections = await openConnections(addresses, count, { ...settings, pipeline: PIPELINE });
  const tally = new PreloadTally();
  try {
    const driver = new LoadDriver({ clock: settings.clock, connections, source, tally });
    driver.start();
    await settle(driver, tally);
  } finally {
    for (const connection of connections) connection.close();
  }
  if (tally.answered < source.count) {
    throw indefinite('CONNECTION_LOST', `preload: the nodes closed all connections (${tally.lastCode})`);
  }
  return tally;
}

/** Waits until nothing is in flight. */
async function settle(driver: LoadDriver, tally: PreloadTally): Promise<void> {
  let answered = -1;
  while (!(await driver.idle(STALL_MS))) {
    if (tally.answered === answered) {
      const waiting = `${driver.inFlight} keys outstanding`;
      throw indefinite('TIMEOUT', `preload: no answer for ${STALL_MS / 1000} s, ${waiting}`);
    }
    answered = tally.answered;
  }
}
