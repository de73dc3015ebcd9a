/** What the clients saw, per key, and their answers counted by outcome. */
import type { Answer } from '../support/frame-client.js';
import type { Operation } from '../support/linearizability.js';
import type { AcknowledgedWrite, FinishedScan } from './finished-run.js';

export class History {
  readonly byKey = new Map<string, Operation[]>();
  readonly acknowledged: AcknowledgedWrite[] = [];
  readonly scans: FinishedScan[] = [];
  /** How often each kind of operation ended in each way. */
  readonly outcomes = new Map<string, number>();
  operations = 0;

  add(key: string, operation: Operation): void {
    const operations = this.byKey.get(key);
    if (operations === undefined) this.byKey.set(key, [operation]);
    else operations.push(operation);
  }

  count(what: string, answer: Answer): void {
    const outcome = answer.kind === 'error' ? `${answer.code}${answer.definite ? '!' : '?'}` : 'ok';
    const name = `${what} ${outcome}`;
    this.outcomes.set(name, (this.outcomes.get(name) ?? 0) + 1);
    this.operations++;
  }
}
