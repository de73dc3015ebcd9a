/**
 * Sees to it that hints are sent: one session for each target that is live (`hint-session.ts`), begun a moment after it
 * has come back, again as long as there are hints. Also loads the hints of an earlier run, and drops those for targets
 * that are no members any more.
 */
import { messageOf } from '../base/errors.js';
import type { Log } from '../ports/log.js';
import type { HintTarget } from '../storage/hint-store.js';
import { HintSession, type HintSessionOptions } from './hint-session.js';
import type { Hints } from './hints.js';

/**
 * How long a target must have been live: who has just come back has other things to do first, and who comes and goes is
 * left alone.
 */
const LIVE_MS_MIN = 900;
/** Until a target is tried again that a session has failed with. */
const RETRY_MS = 2000;

export interface HintDrainerOptions extends Omit<HintSessionOptions, 'store'> {
  readonly hints: Hints;
  readonly log: Log;
}

export class HintDrainer {
  readonly #options: HintDrainerOptions;
  /** By identity of the target. */
  readonly #sessions = new Map<string, HintSession>();
  readonly #liveSinceMs = new Map<string, number>();
  readonly #retryAtMs = new Map<string, number>();
  readonly #underWay = new Set<Promise<void>>();
  #isLoading = false;
  #isStopped = false;

  constructor(options: HintDrainerOptions) {
    this.#options = options;
    options.hints.isDraining = ({ identity }) => this.#sessions.has(identity);
  }

  start(): void {
    this.#load();
  }

  /** Looks at what there is to do. Called at every heartbeat interval. */
  onTick(nowMs: number): void {
    const { store } = this.#options.hints;
    if (this.#isStopped) return;
    if (!store.isLoaded) return this.#load();
    for (const target of [...store.targets()]) this.#look(target, nowMs);
  }

  /** Resolves when nothing is under way any more. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const session of this.#sessions.values()) session.end();
    await Promise.all(this.#underWay);
  }

  #look(target: HintTarget, nowMs: number): void {
    const { hints, peer, epoch, log } = this.#options;
    const { identity } = target;
    const name = hints.nameOf(target);
    if (name === undefined) {
      if (epoch() === 0) return; // Nobody knows yet who the members are.
      log.info('hints for a node that is no member any more are dropped', { identity, hints: target.hints });
      return this.#watch(hints.store.dropTarget(target, () => this.#isStopped));
    }
    if (peer(name)?.isLive !== true) return void this.#liveSinceMs.delete(identity);
    const sinceMs = this.#liveSinceMs.get(identity) ?? nowMs;
    this.#liveSinceMs.set(identity, sinceMs);
    if (target.hints === 0 || this.#sessions.has(identity)) return;
    if (nowMs - sinceMs < LIVE_MS_MIN || nowMs < (this.#retryAtMs.get(identity) ?? 0)) return;
    this.#drain(target, name, nowMs);
  }

  #drain(target: HintTarget, name: string, nowMs: number): void {
    const { hints, log } = this.#options;
    const session = new HintSession(target, name, { ...this.#options, store: hints.store });
    this.#sessions.set(target.identity, session);
    const before = target.replayed;
    const run = session.run().finally(() => {
      this.#sessions.delete(target.identity);
      const sent = target.replayed - before;
      if (sent > 0) log.info('hints sent', { peer: name, sent, left: target.hints });
      else this.#retryAtMs.set(target.identity, nowMs + RETRY_MS);
    });
    this.#watch(run);
  }

  #load(): void {
    if (this.#isLoading) return;
    this.#isLoading = true;
    const { store } = this.#options.hints;
    // The engine may be closed at the moment: the next tick tries again.
    const loading = Promise.resolve()
      .then(() => store.load(() => this.#isStopped))
      .finally(() => {
        this.#isLoading = false;
      });
    this.#watch(loading);
  }

  #watch(work: Promise<void>): void {
    const watched: Promise<void> = work
      .catch((error) =>
        this.#options.log.debug('hints: a piece of work has ended early', { error: messageOf(error) }),
      )
      .finally(() => this.#underWay.delete(watched));
    this.#underWay.add(watched);
  }
}
