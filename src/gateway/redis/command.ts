/**
 * What a command is: one entry of the table from which dispatch, COMMAND, COMMAND DOCS, the README's list and the
 * completion in `kvcli` come.
 */
import type { RequestArguments } from '../../wire/resp/request-parser.js';
import type { Call } from './call.js';

/** As Redis names them; only those that say something of this store. */
export type CommandFlag =
  | 'write'
  | 'readonly'
  | 'admin'
  | 'fast'
  | 'loading'
  | 'stale'
  | 'noscript'
  | 'no_auth'
  | 'allow_busy'
  | 'movablekeys'
  | 'denyoom';

export type CommandGroup = 'connection' | 'generic' | 'string' | 'server' | 'cluster' | 'quoral';

/** Where the keys are among the arguments, the command's name being argument 0. */
export interface KeyPositions {
  readonly first: number;
  /** −1: the last argument. */
  readonly last: number;
  readonly step: number;
}

/** One argument, for COMMAND DOCS and for hints. */
export interface ArgumentDoc {
  readonly name: string;
  readonly type: 'key' | 'string' | 'integer' | 'unix-time' | 'pattern' | 'pure-token' | 'oneof' | 'block';
  /** The word that goes before it, as `EX`. */
  readonly token?: string;
  readonly optional?: boolean;
  readonly multiple?: boolean;
  readonly arguments?: readonly ArgumentDoc[];
}

/**
 * In which order a command of a pipeline runs among the others of its connection.
 *
 * - `immediate`: at once, whatever else is under way; it touches no key. Its reply still waits for its turn.
 * - `keys`: beside commands on other keys. After those on the same key, unless both only read. With several keys: `alone`.
 * - `alone`: after everything before it, and before everything after it.
 */
export type CommandOrder = 'immediate' | 'keys' | 'alone';

export interface Command {
  /** Lower case; of a subcommand the last word. */
  readonly name: string;
  /** Arguments with the name (and the container's): exactly so many, or at least −arity. */
  readonly arity: number;
  readonly flags: readonly CommandFlag[];
  readonly keys?: KeyPositions;
  readonly group: CommandGroup;
  readonly summary: string;
  /** The version of Redis that brought it. */
  readonly since: string;
  readonly complexity: string;
  readonly arguments?: readonly ArgumentDoc[];
  readonly order: CommandOrder;
  /** A container: `CLIENT` of `CLIENT ID`. Its own `begin` is then for no subcommand at all. */
  readonly subcommands?: readonly Command[];
  /**
   * Begins the command. Exactly one reply follows, now or later, through the call. The arguments are valid during this
   * call only: copy what is kept.
   */
  readonly begin: (call: Call, args: RequestArguments) => void;
}

/** A word of the syntax that stands for itself. */
export function tokenDoc(name: string): ArgumentDoc {
  return { name, type: 'pure-token', token: name.toUpperCase() };
}

/** Whether a command takes so many arguments, its name included. */
export function takesArguments({ arity }: Command, count: number): boolean {
  return arity >= 0 ? count === arity : count >= -arity;
}

/** Whether the arguments hold exactly one key, so that the command can run beside others. */
export function hasOneKey({ keys }: Command, count: number): boolean {
  if (keys === undefined) return false;
  return keys.last < 0 ? count + keys.last === keys.first : keys.last === keys.first;
}

/** The places of the keys among `count` arguments. */
export function keyPlaces({ keys }: Command, count: number): number[] {
  if (keys === undefined) return [];
  const last = keys.last < 0 ? count + keys.last : keys.last;
  const places: number[] = [];
  for (let i = keys.first; i <= last; i += keys.step) places.push(i);
  return places;
}

/** `name`, or `container|name`, as Redis calls subcommands. */
export function fullName(command: Command, container?: Command): string {
  return container === undefined ? command.name : `${container.name}|${command.name}`;
}
