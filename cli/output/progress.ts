/**
 * The progress of an import, an export or a repair, on standard error: a bar on a terminal, by cli-progress (the only file that
 * imports it), a plain line every few seconds elsewhere, nothing when asked to be quiet.
 */
import cliProgress from 'cli-progress';
import type { Clock } from '../../src/ports/clock.js';
import { formatDuration } from '../text/duration.js';
import { formatCount } from '../text/quantity.js';
import type { Output } from './output.js';

const LINE_INTERVAL_MS = 5000;

export interface ProgressOptions {
  readonly output: Output;
  readonly clock: Clock;
  /** What is going on, as in `import`. */
  readonly label: string;
  /** Bytes to go through, or undefined when nobody knows. */
  readonly totalBytes: number | undefined;
  readonly quiet: boolean;
}

export interface Progress {
  /** Bytes gone through and records done so far, both from the start. */
  update(doneBytes: number, records: number): void;
  /** A line that must not be lost between the drawing. */
  note(line: string): void;
  stop(): void;
}

/** What can be said about how fast it goes. Rates are averages from the start, which makes the ETA calm. */
export function pace(options: {
  elapsedMs: number;
  doneBytes: number;
  totalBytes: number | undefined;
  records: number;
}): { perSecond: number; percent: number | undefined; etaMs: number | undefined } {
  const { elapsedMs, doneBytes, totalBytes, records } = options;
  const perSecond = elapsedMs > 0 ? Math.round((records * 1000) / elapsedMs) : 0;
  if (totalBytes === undefined || totalBytes === 0)
    return { perSecond, percent: undefined, etaMs: undefined };
  const percent = Math.min(100, Math.floor((doneBytes * 100) / totalBytes));
  const etaMs = doneBytes > 0 ? (elapsedMs * Math.max(0, totalBytes - doneBytes)) / doneBytes : undefined;
  return { perSecond, percent, etaMs };
}

/** Progress of something that is counted in steps, and says itself what it is doing. */
export interface Steps {
  update(done: number, total: number, text: string): void;
  stop(): void;
}

export type StepsOptions = Pick<ProgressOptions, 'output' | 'clock' | 'label' | 'quiet'>;

/** As {@link startProgress}: a bar, a line every few seconds, or nothing. */
export function startSteps({ output, clock, label, quiet }: StepsOptions): Steps {
  if (quiet) return { update() {}, stop() {} };
  if (!output.isErrorTerminal || output.errorStream === undefined) {
    let lastLineMs = clock.monotonicMs();
    return {
      update(_done, _total, text) {
        if (clock.monotonicMs() - lastLineMs < LINE_INTERVAL_MS) return;
        lastLineMs = clock.monotonicMs();
        output.note(`${label}: ${text}`);
      },
      stop() {},
    };
  }
  const bar = newBar(`${label} [{bar}] {text}`, output.errorStream);
  bar.start(1, 0, { text: 'waiting for its turn' });
  return {
    update(done, total, text) {
      bar.setTotal(Math.max(1, total));
      bar.update(done, { text });
    },
    stop: () => bar.stop(),
  };
}

export function startProgress(options: ProgressOptions): Progress {
  const { output, quiet } = options;
  if (quiet) return new QuietProgress(output);
  if (!output.isErrorTerminal || output.errorStream === undefined) return new LineProgress(options);
  return new BarProgress(options, output.errorStream);
}

class QuietProgress implements Progress {
  readonly #output: Output;

  constructor(output: Output) {
    this.#output = output;
  }

  update(): void {}

  note(line: string): void {
    this.#output.note(line);
  }

  stop(): void {}
}

class LineProgress implements Progress {
  readonly #options: ProgressOptions;
  readonly #startedMs: number;
  #lastLineMs: number;

  constructor(options: ProgressOptions) {
    this.#options = options;
    this.#startedMs = options.clock.monotonicMs();
    this.#lastLineMs = this.#startedMs;
  }

  update(doneBytes: number, records: number): void {
    const nowMs = this.#options.clock.monotonicMs();
    if (nowMs - this.#lastLineMs < LINE_INTERVAL_MS) return;
    this.#lastLineMs = nowMs;
    const { label, totalBytes } = this.#options;
    const text = progressText({ elapsedMs: nowMs - this.#startedMs, doneBytes, totalBytes, records });
    this.note(`${label}: ${text}`);
  }

  note(line: string): void {
    this.#options.output.note(line);
  }

  stop(): void {}
}

class BarProgress implements Progress {
  readonly #options: ProgressOptions;
  readonly #stream: NodeJS.WritableStream;
  readonly #startedMs: number;
  #bar: cliProgress.SingleBar;
  #doneBytes = 0;
  #text = '';

  constructor(options: ProgressOptions, stream: NodeJS.WritableStream) {
    this.#options = options;
    this.#stream = stream;
    this.#startedMs = options.clock.monotonicMs();
    this.#bar = this.#start();
  }

  update(doneBytes: number, records: number): void {
    const { clock, totalBytes } = this.#options;
    const elapsedMs = clock.monotonicMs() - this.#startedMs;
    this.#doneBytes = doneBytes;
    this.#text = progressText({ elapsedMs, doneBytes, totalBytes, records });
    this.#bar.update(Math.min(doneBytes, totalBytes ?? doneBytes), { text: this.#text });
  }

  note(line: string): void {
    this.#bar.stop();
    this.#options.output.note(line);
    this.#bar = this.#start();
  }

  stop(): void {
    this.#bar.stop();
  }

  #start(): cliProgress.SingleBar {
    const { label, totalBytes } = this.#options;
    const format = totalBytes === undefined ? `${label}: {text}` : `${label} [{bar}] {text}`;
    const bar = newBar(format, this.#stream);
    bar.start(totalBytes ?? Number.MAX_SAFE_INTEGER, this.#doneBytes, { text: this.#text });
    return bar;
  }
}

function newBar(format: string, stream: NodeJS.WritableStream): cliProgress.SingleBar {
  return new cliProgress.SingleBar({
    format,
    stream,
    barsize: 24,
    fps: 5,
    clearOnComplete: true,
    // Signals are handled by the command, which stops the bar itself.
    gracefulExit: false,
  });
}

function progressText(options: Parameters<typeof pace>[0]): string {
  const { perSecond, percent, etaMs } = pace(options);
  const parts = [`${formatCount(options.records)} records`, `${formatCount(perSecond)}/s`];
  if (percent !== undefined) parts.unshift(`${percent} %`);
  if (etaMs !== undefined) parts.push(`${formatDuration(etaMs)} left`);
  return parts.join(', ');
}
