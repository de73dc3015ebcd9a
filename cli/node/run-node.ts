/**
 * Runs one node until it is asked to stop or fails. Standard output carries one line, when it serves; logs and errors go
 * to standard error.
 */
import { KvError, messageOf } from '../../src/base/errors.js';
import type { Clock, Timer } from '../../src/ports/clock.js';
import { systemCode } from '../output/error-view.js';
import { type Output, writeLine } from '../output/output.js';
import type { NodeOptions, RunningNode, Serve } from './server.js';
import { onStopSignals, type SignalSource } from './stop-signals.js';

export interface NodeProcess extends SignalSource {
  /** Ends the process without waiting for anything. */
  exit(code: number): void;
  /** When there is a parent to end with: tells once that it is gone. */
  onParentGone?(listener: () => void): void;
}

const EXIT_DONE = 0;
const EXIT_FAILED = 1;
/** How long a node without a parent may take to stop. */
const ORPHAN_STOP_MS = 4000;
/** As shells report a program that a signal ended. */
const SIGNAL_EXITS: Partial<Record<NodeJS.Signals, number>> = { SIGINT: 130, SIGTERM: 143 };

/** Resolves with the exit code. */
export async function runNode(
  options: NodeOptions,
  world: { serve: Serve; output: Output; clock: Clock; process: NodeProcess },
): Promise<number> {
  const { serve, output } = world;
  const end = new StopRequest(world);
  let node: RunningNode;
  try {
    node = await serve(options);
  } catch (error) {
    end.dispose();
    output.note(`kvd: ${startProblem(options, error)}`);
    return EXIT_FAILED;
  }
  await writeLine(output, `kvd: ${node.name} serves on ${node.address}`);
  end.isServing = true;
  try {
    const reason = await Promise.race([end.requested, node.stopped.then(() => 'ended' as const)]);
    if (reason === 'stop') await node.stop();
    return EXIT_DONE;
  } catch (error) {
    output.note(`kvd: ${node.name} stopped: ${describe(error)}`);
    return EXIT_FAILED;
  } finally {
    // Not earlier: a second signal must still hurry a slow stop.
    end.dispose();
  }
}

/** The wish to stop, from a signal or because the parent is gone. */
class StopRequest {
  readonly requested: Promise<'stop'>;
  /** Before it serves there is nothing to end in good order: every wish ends it at once. */
  isServing = false;
  readonly #clock: Clock;
  readonly #process: NodeProcess;
  readonly #stopListening: () => void;
  #request: (wish: 'stop') => void = () => {};
  #deadline: Timer | undefined;

  constructor({ clock, process }: { clock: Clock; process: NodeProcess }) {
    this.#clock = clock;
    this.#process = process;
    this.requested = new Promise((resolve) => {
      this.#request = resolve;
    });
    const isChild = process.onParentGone !== undefined;
    this.#stopListening = onStopSignals({
      source: process,
      signals: isChild ? ['SIGTERM'] : ['SIGINT', 'SIGTERM'],
      clock,
      onStop: (signal) => this.#onWish(exitCodeOf(signal)),
      onHurry: (signal) => process.exit(exitCodeOf(signal)),
    });
    // The terminal sends Ctrl-C to a child as well as to its parent, and the parent decides. Without a listener the
    // child would die of it.
    if (isChild) process.on('SIGINT', ignore);
    process.onParentGone?.(() => this.#onParentGone());
  }

  dispose(): void {
    this.#stopListening();
    this.#process.removeListener('SIGINT', ignore);
    if (this.#deadline !== undefined) this.#clock.clearTimer(this.#deadline);
  }

  #onWish(exitCode: number): void {
    if (this.isServing) this.#request('stop');
    else this.#process.exit(exitCode);
  }

  /** Nobody is left who would kill a node that does not stop. */
  #onParentGone(): void {
    this.#deadline = this.#clock.setTimer(ORPHAN_STOP_MS, () => this.#process.exit(EXIT_FAILED));
    this.#onWish(EXIT_FAILED);
  }
}

function ignore(): void {}

function exitCodeOf(signal: NodeJS.Signals): number {
  return SIGNAL_EXITS[signal] ?? EXIT_FAILED;
}

/** Why the node could not start, and what to do about it, in one line. */
export function startProblem(options: NodeOptions, error: unknown): string {
  const code = systemCode(error);
  if (code === 'EADDRINUSE') {
    return `${options.listen} is taken by another program; stop that one, or choose another address with --listen`;
  }
  if (code === 'EADDRNOTAVAIL') {
    return `${options.listen} is not an address of this machine; choose another one with --listen`;
  }
  if (code === 'EACCES' || code === 'EPERM') {
    return `${options.name} may not use ${options.data} or ${options.listen}: ${describe(error)}`;
  }
  return `${options.name} cannot start: ${describe(error)}`;
}

function describe(error: unknown): string {
  return error instanceof KvError ? `${error.code}: ${error.message}` : messageOf(error);
}
