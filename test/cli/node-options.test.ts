import { test } from 'tap';
import { readConfigFile } from '../../cli/node/config-file.js';
import {
  OPTION_SPECS,
  type OptionKey,
  type OptionSources,
  resolveNodeOptions,
} from '../../cli/node/node-options.js';

function resolve(sources: Partial<OptionSources> & { content?: unknown }) {
  const { content, commandLine = {}, environment = {} } = sources;
  const file = content === undefined ? undefined : { path: 'node.json', content };
  return resolveNodeOptions({ commandLine: { name: 'n1', ...commandLine }, environment, file });
}

test('defaults', async (t) => {
  t.same(resolve({}), {
    name: 'n1',
    listen: '127.0.0.1:7400',
    data: './data/n1',
    join: [],
    weight: 1,
    zone: '',
    replicas: 3,
    readQuorum: 0,
    writeQuorum: 0,
    fsync: 'everysec',
    storage: 'level',
    tombstoneGrace: 60,
    cacheMb: 64,
    logLevel: 'info',
  });
});

test('flags and variables are named after the option', async (t) => {
  const names = Object.fromEntries(OPTION_SPECS.map(({ key, flag, variable }) => [key, [flag, variable]]));
  t.same(names.readQuorum, ['--read-quorum', 'QUORAL_READ_QUORUM']);
  t.same(names.cacheMb, ['--cache-mb', 'QUORAL_CACHE_MB']);
  t.same(names.name, ['--name', 'QUORAL_NAME']);
});

// Each option with a different, valid value for each source, as typed and as it comes out.
const samples: Record<OptionKey, { typed: [string, string, unknown]; parsed: [unknown, unknown, unknown] }> =
  {
    name: { typed: ['a', 'b', 'c'], parsed: ['a', 'b', 'c'] },
    listen: { typed: ['a:1', 'b:2', 'c:3'], parsed: ['a:1', 'b:2', 'c:3'] },
    data: { typed: ['/a', '/b', '/c'], parsed: ['/a', '/b', '/c'] },
    join: { typed: ['a:1, b:2', 'c:3', ['d:4', 'e:5']], parsed: [['a:1', 'b:2'], ['c:3'], ['d:4', 'e:5']] },
    weight: { typed: ['0', '1.5', 100], parsed: [0, 1.5, 100] },
    zone: { typed: ['a', 'b', 'c'], parsed: ['a', 'b', 'c'] },
    replicas: { typed: ['1', '5', 7], parsed: [1, 5, 7] },
    readQuorum: { typed: ['1', '2', 3], parsed: [1, 2, 3] },
    writeQuorum: { typed: ['1', '2', 3], parsed: [1, 2, 3] },
    fsync: { typed: ['always', 'never', 'everysec'], parsed: ['always', 'never', 'everysec'] },
    storage: { typed: ['memory', 'level', 'memory'], parsed: ['memory', 'level', 'memory'] },
    tombstoneGrace: { typed: ['15', '60', 3600], parsed: [15, 60, 3600] },
    cacheMb: { typed: ['0', '1', 2], parsed: [0, 1, 2] },
    logLevel: { typed: ['debug', 'warn', 'error'], parsed: ['debug', 'warn', 'error'] },
  };

for (const { key, variable } of OPTION_SPECS) {
  test(`${key}: command line before environment before file before default`, async (t) => {
    const { typed, parsed } = samples[key];
    const file = { path: 'node.json', content: { [key]: typed[2] } };
    const environment = { [variable]: typed[1] };
    const name = key === 'name' ? {} : { name: 'n1' };
    const commandLine = { ...name, [key]: typed[0] };
    t.same(resolveNodeOptions({ commandLine, environment, file })[key], parsed[0], 'command line');
    if (key !== 'name') {
      t.same(resolveNodeOptions({ commandLine: name, environment, file })[key], parsed[1], 'environment');
    }
    t.same(resolveNodeOptions({ commandLine: name, environment: {}, file })[key], parsed[2], 'file');
    // An empty variable is none: that is how a shell unsets one for a program.
    t.same(
      resolveNodeOptions({ commandLine: name, environment: { [variable]: '' }, file })[key],
      parsed[2],
      'empty',
    );
  });
}

test('bad values are named with their source and what is allowed', async (t) => {
  const cases: [Parameters<typeof resolve>[0], string][] = [
    [{ commandLine: { replicas: '8' } }, '--replicas is "8", but must be a whole number from 1 to 7'],
    [{ commandLine: { replicas: '1.5' } }, '--replicas is "1.5", but must be a whole number from 1 to 7'],
    [
      { environment: { QUORAL_FSYNC: 'often' } },
      'QUORAL_FSYNC is "often", but must be always, everysec or never',
    ],
    [
      { content: { cacheMb: true } },
      '"cacheMb" in node.json is true, but must be a whole number from 0 to 65536',
    ],
    [{ content: { join: ['a:1', 5] } }, '"join" in node.json is ["a:1",5], but must be addresses HOST:PORT'],
    [{ commandLine: { join: 'a:1,b' } }, '--join is "a:1,b", but must be addresses HOST:PORT'],
    [{ commandLine: { listen: '7400' } }, '--listen is "7400", but must be an address HOST:PORT'],
    [{ commandLine: { name: 'a b' } }, '--name is "a b", but must be 1 to 64 letters'],
    [{ commandLine: { weight: '-1' } }, '--weight is "-1", but must be a number from 0 to 100'],
    [{ commandLine: { weight: '' } }, '--weight is "", but must be a number from 0 to 100'],
    [{ content: { replicas: null } }, '"replicas" in node.json is null'],
    [{ content: { fsnyc: 'always' } }, 'unknown key "fsnyc" in node.json; allowed are name, listen,'],
    [{ content: [] }, 'node.json must hold a JSON object'],
    [{ commandLine: { readQuorum: '3', replicas: '2' } }, 'the read quorum is 3, more than the 2 replicas'],
    [{ content: { writeQuorum: 5 } }, 'the write quorum is 5, more than the 3 replicas'],
  ];
  for (const [sources, message] of cases) {
    t.throws(
      () => resolve(sources),
      { name: 'UsageError', message: new RegExp(`^${escapePattern(message)}`) },
      message,
    );
  }
  t.throws(
    () => resolveNodeOptions({ commandLine: {}, environment: {} }),
    /the node needs a name: give --name/,
  );
});

function escapePattern(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

test('a config file that is missing or no JSON is named', async (t) => {
  const dir = t.testdir({ 'good.json': '{"name":"n9"}', 'bad.json': '{name}' });
  t.same(await readConfigFile(`${dir}/good.json`), { path: `${dir}/good.json`, content: { name: 'n9' } });
  await t.rejects(readConfigFile(`${dir}/none.json`), /cannot read .*none\.json: there is no such file/);
  await t.rejects(readConfigFile(`${dir}/bad.json`), /bad\.json is not JSON: /);
  await t.rejects(readConfigFile(dir), /it is a directory/);
});
