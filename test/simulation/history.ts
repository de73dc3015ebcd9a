/** What the clients saw, per key, and their answers counted by outcome. */
import { NO_VERSION, type Version } from '../../src/version/version.js';
import type { Answer } from '../support/frame-client.js';
import type { Operation } from '../support/linearizability.js';
import type { Scan } from './checkers/scans.js';
import type { Sighting } from './checkers/version-order.js';

/** Operations are counted in stretches of this length. */
const STRETCH_MS = 1000;

export class History {
  readonly byKey = new Map<string, Operation[]>();
  /** Of the same operations those whose version is known, and that have ended. */
  readonly sightings = new Map<string, Sighting[]>();
  readonly scans: Scan[] = [];
  /** How often each kind of operation ended in each way. */
  readonly outcomes = new Map<string, number>();
  /** How many operations ended in each stretch of time. */
  readonly #perStretch: number[] = [];
  operations = 0;

  /** @param version what it read or wrote, where the answer told. */
  add(key: string, operation: Operation, version: Version = NO_VERSION): void {
    addTo(this.byKey, key, operation);
    const { kind, value, calledAt, returnedAt, by = '' } = operation;
    if (version.time === 0 || returnedAt === Infinity || (kind !== 'read' && kind !== 'write')) return;
    addTo(this.sightings, key, { kind, version, value, calledAt, returnedAt, by });
  }

  count(what: string, answer: Answer, atMs: number): void {
    const outcome = answer.kind === 'error' ? `${answer.code}${answer.definite ? '!' : '?'}` : 'ok';
    const name = `${what} ${outcome}`;
    this.outcomes.set(name, (this.outcomes.get(name) ?? 0) + 1);
    const stretch = Math.floor(atMs / STRETCH_MS);
    this.#perStretch[stretch] = (this.#perStretch[stretch] ?? 0) + 1;
    this.operations++;
  }

  /** Most operations that ended within so long, at any time. */
  mostWithin(ms: number): number {
    const stretches = Math.ceil(ms / STRETCH_MS) + 1;
    let [within, most] = [0, 0];
    for (let i = 0; i < this.#perStretch.length; i++) {
      within += (this.#perStretch[i] ?? 0) - (this.#perStretch[i - stretches] ?? 0);
      most = Math.max(most, within);
    }
    return most;
  }
}

function addTo<T>(lists: Map<string, T[]>, key: string, item: T): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [item]);
  else list.push(item);
}
