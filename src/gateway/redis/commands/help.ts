/** The HELP subcommand of containers: what each of their subcommands does, in lines. */
import type { Command, CommandGroup } from '../command.js';

/** @param entries what is written, as `ENCODING <key>`, and what it does. */
export function helpCommand(
  container: string,
  group: CommandGroup,
  since: string,
  entries: readonly (readonly [syntax: string, summary: string])[],
): Command {
  const lines = [
    `${container.toUpperCase()} <subcommand> [argument ...], where the subcommand is one of:`,
    ...entries.flatMap(([syntax, summary]) => [syntax, `    ${summary}`]),
    'HELP',
    '    Print this help.',
  ];
  return {
    name: 'help',
    arity: 2,
    flags: ['loading', 'stale'],
    group,
    summary: `What the subcommands of ${container.toUpperCase()} do.`,
    since,
    complexity: 'O(1)',
    order: 'immediate',
    begin: (call) =>
      call.answer((reply) => {
        reply.array(lines.length);
        for (const line of lines) reply.status(line);
      }),
  };
}
