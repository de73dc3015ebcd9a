/** What a subcommand of the load generator is given, and what it gives back to be printed and saved. */
import type { Environment } from './result.js';
import type { Shell } from './shell.js';

/** Something that must not outlive the load generator. */
export interface Stoppable {
  stop(): Promise<void>;
}

export interface CommandHost {
  readonly shell: Shell;
  /** Called before a resource is used, so that a signal finds it. What came last is stopped first. */
  track(resource: Stoppable): void;
  environment(): Environment;
}

export interface CommandReport {
  readonly text: string;
  /** What `--json` saves; undefined for a help page. */
  readonly result?: object;
  /** Where to: a file, or `-` for standard output. */
  readonly json?: string | undefined;
  /** Everything that was to be measured has been. */
  readonly isComplete: boolean;
}

export type Command = (args: readonly string[], host: CommandHost) => Promise<CommandReport>;
