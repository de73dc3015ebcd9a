/** CONFIG: the parameters of the node, and setting those that can change while it runs. */
import type { RequestArguments } from '../../../wire/resp/request-parser.js';
import { type Call, OK } from '../call.js';
import type { Command, CommandFlag } from '../command.js';
import { PARAMETERS, type Parameter, parameterNamed } from '../config-parameters.js';
import { SYNTAX_ERROR } from '../errors.js';
import { globMatches } from '../glob.js';
import type { RedisHost } from '../host.js';
import { helpCommand } from './help.js';

const FLAGS: readonly CommandFlag[] = ['admin', 'noscript', 'loading', 'stale'];
const GLOB_CHARACTERS = /[*?[]/;

export const CONFIG_COMMANDS: readonly Command[] = [
  {
    name: 'config',
    arity: -2,
    flags: [],
    group: 'server',
    summary: 'The parameters of the node.',
    since: '2.0.0',
    complexity: 'depends on the subcommand',
    order: 'immediate',
    begin: () => {},
    subcommands: [
      subcommand({
        name: 'get',
        arity: -3,
        summary: 'The parameters that patterns match, and their values.',
        since: '2.0.0',
        complexity: 'O(N) where N is the number of patterns',
        arguments: [{ name: 'parameter', type: 'string', multiple: true }],
        begin: get,
      }),
      subcommand({
        name: 'set',
        arity: -4,
        summary: 'Sets parameters, all or none of them, until the node restarts.',
        since: '2.0.0',
        complexity: 'O(N) where N is the number of parameters',
        arguments: [
          {
            name: 'data',
            type: 'block',
            multiple: true,
            arguments: [
              { name: 'parameter', type: 'string' },
              { name: 'value', type: 'string' },
            ],
          },
        ],
        begin: set,
      }),
      subcommand({
        name: 'resetstat',
        arity: 2,
        summary: 'Begins the counts of INFO and LATENCY HISTOGRAM anew.',
        since: '2.0.0',
        begin: (call) => {
          call.host.statistics.reset();
          call.host.clients.received = 0;
          call.answer(OK);
        },
      }),
      subcommand({
        name: 'rewrite',
        arity: 2,
        summary: 'Refused: the parameters of a node are where it was started from.',
        since: '2.8.0',
        begin: (call) => call.fail('ERR The server is running without a config file'),
      }),
      helpCommand('config', 'server', '5.0.0', [
        ['GET <pattern> [<pattern> ...]', 'Parameters and their values.'],
        ['SET <name> <value> [<name> <value> ...]', 'Sets parameters, all or none, until the next start.'],
        ['RESETSTAT', 'Begins the counts of INFO anew.'],
        ['REWRITE', 'Refused.'],
      ]),
    ],
  },
];

function subcommand(
  parts: Pick<Command, 'name' | 'arity' | 'summary' | 'since' | 'begin'> & Partial<Command>,
): Command {
  return { flags: FLAGS, group: 'server', complexity: 'O(1)', order: 'immediate', ...parts };
}

function get(call: Call, args: RequestArguments): void {
  const found = new Map<Parameter, string>();
  for (let i = 2; i < args.count; i++) {
    for (const [parameter, name] of matching(args.text(i))) {
      if (!found.has(parameter)) found.set(parameter, name);
    }
  }
  call.answer((reply) =>
    reply.value(new Map([...found].map(([parameter, name]) => [name, parameter.read(call.host)]))),
  );
}

/** What a pattern matches, and under which name: a parameter that is named in full keeps the case in which it was asked for. */
function matching(pattern: string): [Parameter, name: string][] {
  if (!GLOB_CHARACTERS.test(pattern)) {
    const parameter = parameterNamed(pattern);
    return parameter === undefined ? [] : [[parameter, pattern]];
  }
  const bytes = Buffer.from(pattern.toLowerCase(), 'latin1');
  return PARAMETERS.filter(({ name }) => globMatches(bytes, Buffer.from(name))).map((one) => [one, one.name]);
}

function set(call: Call, args: RequestArguments): void {
  if (args.count % 2 !== 0) return call.fail(SYNTAX_ERROR);
  const changes = changesFrom(call.host, args);
  if (typeof changes === 'string') return call.fail(changes);
  for (const { parameter, value } of changes) parameter.change?.apply(call.host, value);
  call.host.log.warn('parameters were set by a Redis client', {
    from: call.session.connection.remote,
    parameters: changes.map(({ parameter }) => parameter.name),
  });
  call.answer(OK);
}

interface Change {
  readonly parameter: Parameter;
  readonly value: Uint8Array;
}

/** The changes, if all can be made; otherwise the text of the first error. */
function changesFrom(host: RedisHost, args: RequestArguments): Change[] | string {
  const changes: Change[] = [];
  for (let i = 2; i < args.count; i += 2) {
    const parameter = parameterNamed(args.text(i));
    if (parameter === undefined) {
      return `ERR Unknown option or number of arguments for CONFIG SET - '${args.text(i)}'`;
    }
    const value = args.copy(i + 1);
    // To be told what is so already changes nothing: many scripts set what they do not want, to be sure.
    const isSame = Buffer.from(value).toString('latin1').toLowerCase() === parameter.read(host);
    if (parameter.change === undefined && !isSame) return failed(parameter, "can't set immutable config");
    if (changes.some((change) => change.parameter === parameter))
      return failed(parameter, 'duplicate parameter');
    changes.push({ parameter, value });
  }
  for (const { parameter, value } of changes) {
    const problem = parameter.change?.problem(value);
    if (problem !== undefined) return failed(parameter, problem);
  }
  return changes;
}

function failed({ name }: Parameter, problem: string): string {
  return `ERR CONFIG SET failed (possibly related to argument '${name}') - ${problem}`;
}
