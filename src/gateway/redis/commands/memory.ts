/** MEMORY: what a key takes up. */
import { SLOT_BYTES } from '../../../storage/keyspace.js';
import type { RequestArguments } from '../../../wire/resp/request-parser.js';
import { integerAt, wordAt } from '../arguments.js';
import type { Call } from '../call.js';
import type { Command } from '../command.js';
import { NOT_AN_INTEGER, SYNTAX_ERROR } from '../errors.js';
import { isAbsent } from '../key-store.js';
import { helpCommand } from './help.js';

const KEY_PLACE = 2;

export const MEMORY_COMMANDS: readonly Command[] = [
  {
    name: 'memory',
    arity: -2,
    flags: [],
    group: 'server',
    summary: 'What keys take up.',
    since: '4.0.0',
    complexity: 'depends on the subcommand',
    order: 'immediate',
    begin: () => {},
    subcommands: [
      {
        name: 'usage',
        arity: -3,
        flags: ['readonly'],
        keys: { first: KEY_PLACE, last: KEY_PLACE, step: 1 },
        group: 'server',
        summary: 'The bytes that a key and its record take up on one replica.',
        since: '4.0.0',
        complexity: 'O(1)',
        arguments: [
          { name: 'key', type: 'key' },
          { name: 'count', type: 'integer', token: 'SAMPLES', optional: true },
        ],
        order: 'keys',
        begin: usage,
      },
      helpCommand('memory', 'server', '4.0.0', [
        [
          'USAGE <key> [SAMPLES <count>]',
          'Bytes of a key and its record on one replica; SAMPLES changes nothing.',
        ],
      ]),
    ],
  },
];

function usage(call: Call, args: RequestArguments): void {
  for (let i = KEY_PLACE + 1; i < args.count; i += 2) {
    if (wordAt(args, i) !== 'SAMPLES' || i + 1 === args.count) return call.fail(SYNTAX_ERROR);
    const samples = integerAt(args, i + 1);
    if (samples === undefined) return call.fail(NOT_AN_INTEGER);
    if (samples < 0) return call.fail(SYNTAX_ERROR);
  }
  const keyBytes = SLOT_BYTES + args.length(KEY_PLACE);
  call.read((reply, bytes, start, length) => {
    if (isAbsent(bytes, start, length)) reply.nil();
    else reply.integer(keyBytes + length);
  });
}
