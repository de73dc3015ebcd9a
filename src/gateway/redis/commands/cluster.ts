/**
 * The commands of Redis Cluster: all refused, in the words of a server that has it switched off. Clients then take this one
 * for a server that answers for all keys, which every node does. `QUORAL STATUS` and `QUORAL OWNERS` tell of the cluster
 * that there is.
 */
import type { Call } from '../call.js';
import type { Command } from '../command.js';

const REFUSED = 'ERR This instance has cluster support disabled';
const refuse = (call: Call): void => call.fail(REFUSED);

export const CLUSTER_COMMANDS: readonly Command[] = [
  {
    name: 'cluster',
    arity: -2,
    flags: [],
    group: 'cluster',
    summary: 'Commands of Redis Cluster, all refused: clients need not know where keys are.',
    since: '3.0.0',
    complexity: 'O(1)',
    order: 'immediate',
    begin: refuse,
    subcommands: [
      refused('info', 2, '3.0.0'),
      refused('nodes', 2, '3.0.0'),
      refused('slots', 2, '3.0.0'),
      refused('shards', 2, '7.0.0'),
      refused('links', 2, '7.0.0'),
      refused('myid', 2, '3.0.0'),
      refused('keyslot', 3, '3.0.0'),
      refused('countkeysinslot', 3, '3.0.0'),
      refused('getkeysinslot', 4, '3.0.0'),
      refused('help', 2, '5.0.0'),
    ],
  },
  { ...refused('asking', 1, '3.0.0'), flags: ['fast'] },
];

function refused(name: string, arity: number, since: string): Command {
  return {
    name,
    arity,
    flags: ['loading', 'stale'],
    group: 'cluster',
    summary: 'Of Redis Cluster; refused.',
    since,
    complexity: 'O(1)',
    order: 'immediate',
    begin: refuse,
  };
}
