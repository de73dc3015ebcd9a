/**
 * The categories in which Redis puts commands, derived from flags and group as Redis derives them, in its order. Users have
 * no rights here: clients show them, and choose commands by them.
 */
import type { Command, CommandFlag, CommandGroup } from './command.js';

export const CATEGORIES = [
  'keyspace',
  'read',
  'write',
  'string',
  'admin',
  'fast',
  'slow',
  'dangerous',
  'connection',
] as const;

export type Category = (typeof CATEGORIES)[number];

const OF_GROUP: Partial<Record<CommandGroup, Category>> = {
  generic: 'keyspace',
  string: 'string',
  connection: 'connection',
};

const OF_FLAG: Partial<Record<CommandFlag, readonly Category[]>> = {
  readonly: ['read'],
  write: ['write'],
  admin: ['admin', 'dangerous'],
  fast: ['fast'],
};

/** A container is only `slow`: what it does, its subcommands do. */
export function categoriesOf({ flags, group, subcommands }: Command): Category[] {
  const found = new Set<Category>(flags.flatMap((flag) => OF_FLAG[flag] ?? []));
  const ofGroup = OF_GROUP[group];
  if (ofGroup !== undefined && subcommands === undefined) found.add(ofGroup);
  if (!found.has('fast')) found.add('slow');
  return CATEGORIES.filter((category) => found.has(category));
}
