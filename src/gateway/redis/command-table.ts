/**
 * Finds commands by the bytes of their name, in any case, without making a string: names are hashed into a table, and
 * compared.
 */
import type { Command } from './command.js';

/** Upper and lower case letters differ in this bit. */
const CASE_BIT = 0x20;
const NAME_BYTES_MAX = 32;

export class CommandTable {
  readonly commands: readonly Command[];
  readonly #mask: number;
  readonly #places: (Command | undefined)[];
  /** The tables of containers' subcommands. */
  readonly #within = new Map<Command, CommandTable>();

  /** @param commands with names that differ. */
  constructor(commands: readonly Command[]) {
    this.commands = commands;
    // At most a quarter full: most look-ups end at the first place.
    const size = 2 ** Math.ceil(Math.log2(commands.length * 4));
    this.#mask = size - 1;
    this.#places = new Array(size).fill(undefined);
    for (const command of commands) {
      const bytes = new TextEncoder().encode(command.name);
      let at = hashName(bytes, 0, bytes.length) & this.#mask;
      while (this.#places[at] !== undefined) at = (at + 1) & this.#mask;
      this.#places[at] = command;
      if (command.subcommands !== undefined) this.#within.set(command, new CommandTable(command.subcommands));
    }
  }

  find(bytes: Uint8Array, start: number, length: number): Command | undefined {
    if (length > NAME_BYTES_MAX) return undefined;
    let at = hashName(bytes, start, length) & this.#mask;
    for (;;) {
      const command = this.#places[at];
      if (command === undefined || isName(command.name, bytes, start, length)) return command;
      at = (at + 1) & this.#mask;
    }
  }

  /** The subcommands of a container; undefined of other commands. */
  subcommandsOf(command: Command): CommandTable | undefined {
    return this.#within.get(command);
  }
}

/** FNV-1a over the name with its letters in lower case. */
function hashName(bytes: Uint8Array, start: number, length: number): number {
  let hash = 0x811c9dc5;
  for (let i = start; i < start + length; i++) hash = Math.imul(hash ^ (bytes[i]! | CASE_BIT), 0x01000193);
  return hash ^ (hash >>> 15);
}

function isName(name: string, bytes: Uint8Array, start: number, length: number): boolean {
  if (name.length !== length) return false;
  for (let i = 0; i < length; i++) {
    const byte = bytes[start + i]!;
    const lower = byte >= 0x41 && byte <= 0x5a ? byte | CASE_BIT : byte;
    if (name.charCodeAt(i) !== lower) return false;
  }
  return true;
}
