/** The README's list of commands is what the table has. `npm run format` does not write it: copy it from the failure. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { Command, CommandGroup } from '../../../src/gateway/redis/command.js';
import { COMMANDS } from '../../../src/gateway/redis/commands/all.js';
import { projectRoot } from '../../support/project-root.js';

const GROUPS: readonly [CommandGroup, string][] = [
  ['string', 'Strings'],
  ['generic', 'Keys'],
  ['connection', 'Connection'],
  ['server', 'Server'],
  ['cluster', 'Cluster'],
  ['quoral', 'Quoral'],
];

function names(command: Command): string {
  const name = command.name.toUpperCase();
  const subcommands = command.subcommands?.map((each) => each.name.toUpperCase()) ?? [];
  return subcommands.length === 0 ? name : `${name} (${subcommands.join(', ')})`;
}

function list(): string {
  const rows = GROUPS.map(([group, title]) => {
    const members = COMMANDS.commands.filter((command) => command.group === group);
    return `| ${title} | ${members.map(names).join(', ')} |`;
  });
  return ['| | Commands |', '|---|---|', ...rows].join('\n');
}

t.test('the README lists every command, and none that there is not', async (t) => {
  const readme = readFileSync(join(projectRoot(), 'README.md'), 'utf8');
  const [, listed] = /<!-- commands: [^>]*-->\n([\s\S]*?)\n?<!-- end of commands -->/.exec(readme) ?? [];
  t.equal(listed, list());
  t.equal(
    COMMANDS.commands.filter(({ group }) => !GROUPS.some(([known]) => known === group)).length,
    0,
    'every group is shown',
  );
});
