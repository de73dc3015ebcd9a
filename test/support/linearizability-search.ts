/**
 * The search for an order of a register's operations that explains its history: Wing and Gong (1993) with the lists and
 * the memory of Lowe (2017), and with the shortcut of Gibbons and Korach (1997) that a register allows when values are
 * written once.
 *
 * An operation is *available* when nothing that is still to be placed has returned before its call. Of the available
 * ones these can be placed at once, because wherever a valid order has them, they can be moved to the front:
 *
 * 1. a read of the value that the register has;
 * 2. after those the next one must be a write, so: a write whose value nobody is still to read;
 * 3. likewise a *block*, a value that is written once with all its reads, if all of it is available.
 *
 * Then the next one must be a write of a value that is written several times, and of those with one value the one that
 * returns first. Absence is such a value; what may expire acts as a delete at the end of its block. Only when there are
 * several such values is there a choice, and only choices are remembered and taken back. So a history in which only
 * absence repeats itself takes one pass, however many operations overlap.
 */
import { assert } from '../../src/base/errors.js';
import type { Operation, Violation } from './linearizability.js';

const NONE = -1;
/** The number of the value that stands for absent. */
const ABSENT = 0;

interface Choice {
  readonly trailLength: number;
  /** Steps that have not been tried. */
  readonly untried: Step[];
}

/** A write to place: an operation, or the next open write of a value. Blocks bring their reads along. */
interface Step {
  /** NONE: an open write. */
  readonly write: number;
  readonly value: number;
  /** What the register has afterwards. */
  readonly leaves: number;
  /** Where in time it must have been placed. */
  readonly deadline: number;
}

interface Event {
  readonly operation: number;
  readonly at: number;
  readonly isCall: boolean;
}

export class LinearizabilitySearch {
  readonly #operations: readonly Operation[];
  readonly #valueOf: Int32Array;
  readonly #isRead: Uint8Array;
  /** Places in the order of all calls and returns. An open operation returns after everything. */
  readonly #callAt: Int32Array;
  readonly #returnAt: Int32Array;
  // Doubly linked lists of the calls and returns that are not placed; the last index is their head.
  readonly #nextCall: Int32Array;
  readonly #previousCall: Int32Array;
  readonly #nextReturn: Int32Array;
  readonly #previousReturn: Int32Array;
  readonly #head: number;
  readonly #isPlaced: Uint8Array;
  // By value.
  readonly #writeCounts: number[] = [];
  readonly #readsLeft: number[] = [];
  readonly #readsOf: number[][] = [];
  readonly #lastReadCall: number[] = [];
  readonly #firstReturn: number[] = [];
  readonly #expires: boolean[] = [];
  /** Calls of open writes, in order, and how many of them have been placed. */
  readonly #openCalls: number[][] = [];
  readonly #openUsed: number[] = [];
  /** Values with open writes that are written several times. Of the others, their reads tell what was placed. */
  readonly #openRepeated: number[] = [];
  /** An operation that keeps the value's block from being available until it is placed; NONE: not known. */
  readonly #blockedBy: number[] = [];
  /** Operations that were placed, and −1−value for an open write. */
  readonly #trail: number[] = [];
  readonly #choices: Choice[] = [];
  readonly #tried = new Set<string>();
  #current = ABSENT;
  #left = 0;
  #deepest = NONE;
  #violation: Violation | undefined;

  /** @param operations unknown writes only if somebody has seen them, or the absence that they may have left. */
  constructor(operations: readonly Operation[]) {
    const count = operations.length;
    const integers = (): Int32Array => new Int32Array(count + 1).fill(NONE);
    this.#operations = operations;
    this.#head = count;
    this.#valueOf = integers();
    this.#isRead = new Uint8Array(count);
    this.#callAt = integers();
    this.#returnAt = integers().fill(2 * count);
    this.#nextCall = integers().fill(count);
    this.#previousCall = integers().fill(count);
    this.#nextReturn = integers().fill(count);
    this.#previousReturn = integers().fill(count);
    this.#isPlaced = new Uint8Array(count);
    this.#numberValues();
    this.#link();
    this.#summarize();
  }

  /** @returns undefined when there is an order. */
  run(): Violation | undefined {
    while (true) {
      this.#placeFree();
      if (this.#left === 0) return undefined;
      if (this.#placeChosen()) continue;
      this.#noteViolation();
      if (!this.#takeBack()) return this.#violation;
    }
  }

  #numberValues(): void {
    const numbers = new Map<string, number>([['', ABSENT]]);
    for (const [i, { kind, value, mayExpire }] of this.#operations.entries()) {
      const number = numbers.get(value) ?? numbers.size;
      numbers.set(value, number);
      this.#valueOf[i] = number;
      this.#isRead[i] = kind === 'read' ? 1 : 0;
      if (mayExpire === true && kind === 'write') this.#expires[number] = true;
    }
    for (let value = 0; value < numbers.size; value++) {
      this.#expires[value] ??= false;
      this.#writeCounts.push(0);
      this.#readsLeft.push(0);
      this.#readsOf.push([]);
      this.#lastReadCall.push(NONE);
      this.#firstReturn.push(2 * this.#head);
      this.#openCalls.push([]);
      this.#openUsed.push(0);
      this.#blockedBy.push(NONE);
    }
  }

  /** Calls and returns in the order of time; a call comes before a return of the same moment. */
  #link(): void {
    const events: Event[] = [];
    for (const [operation, { calledAt, returnedAt }] of this.#operations.entries()) {
      assert(calledAt <= returnedAt, 'an operation returned before its call');
      events.push({ operation, at: calledAt, isCall: true });
      if (returnedAt !== Infinity) events.push({ operation, at: returnedAt, isCall: false });
    }
    events.sort((a, b) => a.at - b.at || Number(b.isCall) - Number(a.isCall));
    let [lastCall, lastReturn] = [this.#head, this.#head];
    for (const [at, { operation, isCall }] of events.entries()) {
      if (!isCall) {
        this.#returnAt[operation] = at;
        insert(this.#nextReturn, this.#previousReturn, lastReturn, operation);
        lastReturn = operation;
        this.#left++;
        continue;
      }
      this.#callAt[operation] = at;
      if (this.#operations[operation]!.returnedAt === Infinity) continue;
      insert(this.#nextCall, this.#previousCall, lastCall, operation);
      lastCall = operation;
    }
  }

  #summarize(): void {
    const count = this.#operations.length;
    for (let i = 0; i < count; i++) {
      const value = this.#valueOf[i]!;
      this.#firstReturn[value] = Math.min(this.#firstReturn[value]!, this.#returnAt[i]!);
      if (this.#isRead[i] === 1) {
        this.#readsLeft[value]!++;
        this.#readsOf[value]!.push(i);
        this.#lastReadCall[value] = Math.max(this.#lastReadCall[value]!, this.#callAt[i]!);
        continue;
      }
      this.#writeCounts[value]!++;
    }
    for (let i = 0; i < count; i++)
      if (this.#isOpenWrite(i)) this.#openCalls[this.#meantBy(i)]!.push(this.#callAt[i]!);
    for (const [value, calls] of this.#openCalls.entries()) {
      calls.sort((a, b) => a - b);
      if (calls.length > 0 && !this.#isWrittenOnce(value)) this.#openRepeated.push(value);
    }
    for (const [value, expires] of this.#expires.entries())
      assert(!expires || this.#writeCounts[value] === 1, 'a value that may expire is written twice');
  }

  #isOpenWrite(operation: number): boolean {
    return this.#isRead[operation] === 0 && this.#operations[operation]!.returnedAt === Infinity;
  }

  /** The value that an open write is there for: an expiring one that nobody has read can only have left absence. */
  #meantBy(operation: number): number {
    const value = this.#valueOf[operation]!;
    return this.#expires[value]! && this.#readsOf[value]!.length === 0 ? ABSENT : value;
  }

  /** Places everything that can be moved to the front of every valid order. */
  #placeFree(): void {
    this.#placeReads();
    while (this.#placeFreeWrites());
  }

  #placeReads(): void {
    if (this.#readsLeft[this.#current] === 0) return;
    for (let i = this.#firstCall; this.#isAvailable(i); i = this.#nextCall[i]!)
      if (this.#isRead[i] === 1 && this.#valueOf[i] === this.#current) this.#place(i);
  }

  /** One pass over what is available. False when it has found nothing. */
  #placeFreeWrites(): boolean {
    let hasPlaced = false;
    for (let i = this.#firstCall; this.#isAvailable(i); ) {
      const step = this.#stepOf(i);
      if (step === undefined || this.#mayBeWantedLater(step)) {
        i = this.#nextCall[i]!;
        continue;
      }
      // The block may hold what comes next here: go on from what comes before it.
      const before = this.#previousCall[i]!;
      this.#take(step);
      hasPlaced = true;
      i = this.#isPlaced[before] === 1 ? this.#firstCall : this.#nextCall[before]!;
    }
    return hasPlaced;
  }

  /** Whether it matters when this step is taken: somebody is still to read what it leaves. */
  #mayBeWantedLater({ value, leaves }: Step): boolean {
    if (leaves !== value) return this.#readsLeft[leaves]! > 0;
    return this.#readsLeft[value]! > 0 && !this.#isWrittenOnce(value);
  }

  /** What can be placed because of an available operation: a write, or a block whose open write nothing else shows. */
  #stepOf(operation: number): Step | undefined {
    const value = this.#valueOf[operation]!;
    const isRead = this.#isRead[operation] === 1;
    if (isRead && !this.#isOpenAvailable(value)) return undefined;
    const write = isRead ? NONE : operation;
    if (!this.#isWrittenOnce(value))
      return { write, value, leaves: value, deadline: this.#deadlineOf(write) };
    if (!this.#isBlockAvailable(value)) return undefined;
    const leaves = this.#expires[value]! ? ABSENT : value;
    return { write, value, leaves, deadline: this.#firstReturn[value]! };
  }

  #deadlineOf(write: number): number {
    return write === NONE ? 2 * this.#head : this.#returnAt[write]!;
  }

  #isWrittenOnce(value: number): boolean {
    return value !== ABSENT && this.#writeCounts[value] === 1;
  }

  #isOpenAvailable(value: number): boolean {
    const call = this.#openCalls[value]![this.#openUsed[value]!];
    return call !== undefined && call < this.#firstReturnLeft;
  }

  /** Whether only operations on this value return before the last of its reads is called. Its write is available. */
  #isBlockAvailable(value: number): boolean {
    const known = this.#blockedBy[value]!;
    if (known !== NONE && this.#isPlaced[known] === 0) return false;
    const lastCall = this.#lastReadCall[value]!;
    for (let i = this.#nextReturn[this.#head]!; i !== this.#head; i = this.#nextReturn[i]!) {
      if (this.#returnAt[i]! > lastCall) return true;
      if (this.#valueOf[i] === value) continue;
      this.#blockedBy[value] = i;
      return false;
    }
    return true;
  }

  /** Places one of the writes that matter. False when there is none, or all there are have been tried from here. */
  #placeChosen(): boolean {
    const steps = this.#steps();
    if (steps.length === 0) return false;
    if (steps.length > 1) {
      const state = this.#state();
      if (this.#tried.has(state)) return false;
      this.#tried.add(state);
      this.#choices.push({ trailLength: this.#trail.length, untried: steps.slice(1) });
    }
    this.#take(steps[0]!);
    return true;
  }

  /** For each value that the register can take: the write that must come first. */
  #steps(): Step[] {
    const best = new Map<number, Step>();
    for (let i = this.#firstCall; this.#isAvailable(i); i = this.#nextCall[i]!) {
      const step = this.#stepOf(i);
      if (step === undefined) continue;
      const known = best.get(step.leaves);
      if (known === undefined || step.deadline < known.deadline) best.set(step.leaves, step);
    }
    return [...best.values()];
  }

  /**
   * What is left, up to the first return: everything called after that is left too. What the register has does not
   * matter, for a write is next.
   */
  #state(): string {
    const parts: number[] = [];
    for (let i = this.#firstCall; this.#isAvailable(i); i = this.#nextCall[i]!) parts.push(i);
    for (const value of this.#openRepeated) parts.push(-1 - this.#openUsed[value]!);
    return parts.join();
  }

  #take({ write, value, leaves }: Step): void {
    if (write === NONE) {
      this.#openUsed[value]!++;
      this.#trail.push(-1 - value);
    } else this.#place(write);
    if (this.#isWrittenOnce(value)) for (const read of this.#readsOf[value]!) this.#place(read);
    this.#current = leaves;
  }

  #place(operation: number): void {
    this.#trail.push(operation);
    this.#isPlaced[operation] = 1;
    this.#left--;
    if (this.#isRead[operation] === 1) this.#readsLeft[this.#valueOf[operation]!]!--;
    unlink(this.#nextCall, this.#previousCall, operation);
    unlink(this.#nextReturn, this.#previousReturn, operation);
  }

  #unplace(operation: number): void {
    relink(this.#nextReturn, this.#previousReturn, operation);
    relink(this.#nextCall, this.#previousCall, operation);
    if (this.#isRead[operation] === 1) this.#readsLeft[this.#valueOf[operation]!]!++;
    this.#left++;
    this.#isPlaced[operation] = 0;
  }

  /** Goes back to the last choice that has something untried, and tries it. False: there is none. */
  #takeBack(): boolean {
    for (let choice = this.#choices.at(-1); choice !== undefined; choice = this.#choices.at(-1)) {
      while (this.#trail.length > choice.trailLength) {
        const last = this.#trail.pop()!;
        if (last < 0) this.#openUsed[-1 - last]!--;
        else this.#unplace(last);
      }
      const step = choice.untried.shift();
      if (step !== undefined) {
        this.#take(step);
        return true;
      }
      this.#choices.pop();
    }
    return false;
  }

  /** Keeps what was left where the search got furthest. */
  #noteViolation(): void {
    if (this.#trail.length <= this.#deepest) return;
    this.#deepest = this.#trail.length;
    const left = new Set<number>();
    for (let i = this.#firstCall; this.#isAvailable(i); i = this.#nextCall[i]!) {
      left.add(i);
      for (const other of this.#blockersOf(this.#valueOf[i]!)) left.add(other);
    }
    const operations = [...left].sort((a, b) => this.#callAt[a]! - this.#callAt[b]!);
    this.#violation = {
      reason: `${this.#trail.length} of ${this.#operations.length} operations can be put in order; none of these can be the next`,
      operations: operations.map((i) => this.#operations[i]!),
    };
  }

  /** What keeps a value's block from being available, and the read of the block that comes after it. */
  #blockersOf(value: number): number[] {
    const blocker = this.#isWrittenOnce(value) ? this.#blockedBy[value]! : NONE;
    if (blocker === NONE || this.#isPlaced[blocker] === 1) return [];
    const read = this.#readsOf[value]!.find((i) => this.#callAt[i]! > this.#returnAt[blocker]!);
    return read === undefined ? [blocker] : [blocker, read];
  }

  get #firstCall(): number {
    return this.#nextCall[this.#head]!;
  }

  get #firstReturnLeft(): number {
    return this.#returnAt[this.#nextReturn[this.#head]!]!;
  }

  #isAvailable(operation: number): boolean {
    return operation !== this.#head && this.#callAt[operation]! < this.#firstReturnLeft;
  }
}

function insert(next: Int32Array, previous: Int32Array, last: number, item: number): void {
  const head = next[last]!;
  next[last] = item;
  previous[item] = last;
  next[item] = head;
  previous[head] = item;
}

function unlink(next: Int32Array, previous: Int32Array, item: number): void {
  next[previous[item]!] = next[item]!;
  previous[next[item]!] = previous[item]!;
}

function relink(next: Int32Array, previous: Int32Array, item: number): void {
  next[previous[item]!] = item;
  previous[next[item]!] = item;
}
