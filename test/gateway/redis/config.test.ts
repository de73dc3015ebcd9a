import t from 'tap';
import { Rig } from './rig.js';

const failed = (name: string, problem: string): string =>
  `-ERR CONFIG SET failed (possibly related to argument '${name}') - ${problem}\r\n`;

t.test('parameters say what is true of the node', async (t) => {
  const rig = new Rig();
  const client = rig.connect();
  const value = async (name: string): Promise<string> => {
    const [, , , , shown = ''] = (await client.ask('CONFIG', 'GET', name)).split('\r\n');
    return shown;
  };
  const expected: Readonly<Record<string, string>> = {
    port: '7400',
    bind: '127.0.0.1',
    databases: '1',
    maxclients: '0',
    maxmemory: '0',
    'maxmemory-policy': 'noeviction',
    timeout: '0',
    save: '',
    appendonly: 'yes',
    appendfsync: 'everysec',
    requirepass: '',
    'slowlog-log-slower-than': '10000',
    'slowlog-max-len': '128',
    'latency-monitor-threshold': '0',
    loglevel: 'notice',
  };
  for (const [name, shown] of Object.entries(expected)) t.equal(await value(name), shown, name);
  rig.storage = 'memory';
  rig.fsync = 'never';
  rig.address = '[::1]:7401';
  t.equal(await value('appendonly'), 'no');
  t.equal(await value('appendfsync'), 'no');
  t.equal(await value('bind'), '::1');
  t.equal(await value('port'), '7401');
});

t.test('GET takes names and patterns, each parameter once, and answers a map', async (t) => {
  const client = new Rig().connect();
  t.equal(await client.line('CONFIG GET nothing'), '*0\r\n');
  t.equal(await client.line('CONFIG GET Port PORT port'), '*2\r\n$4\r\nPort\r\n$4\r\n7400\r\n');
  t.match(await client.line('CONFIG GET SLOW* port'), /^\*6\r\n/);
  t.match(await client.line('CONFIG GET [pb][oi][rn][td]'), /^\*4\r\n/);
  t.equal(await client.line('CONFIG GET'), "-ERR wrong number of arguments for 'config|get' command\r\n");
  await client.line('HELLO 3');
  t.equal(await client.line('CONFIG GET port'), '%1\r\n$4\r\nport\r\n$4\r\n7400\r\n');
  t.equal(await client.line('CONFIG GET nothing'), '%0\r\n');
});

t.test('what can be set takes effect at once', async (t) => {
  const rig = new Rig();
  const client = rig.connect();
  t.equal(
    await client.line('CONFIG SET slowlog-log-slower-than -1 SLOWLOG-MAX-LEN 5 latency-monitor-threshold 7'),
    '+OK\r\n',
  );
  t.same({ ...rig.runtimeConfig }, { slowLogSlowerThanUs: -1, slowLogEntriesMax: 5, latencyThresholdMs: 7 });
  for (const [name, level] of [
    ['debug', 'debug'],
    ['verbose', 'debug'],
    ['notice', 'info'],
    ['WARNING', 'warn'],
  ] as const) {
    t.equal(await client.line(`CONFIG SET loglevel ${name}`), '+OK\r\n');
    t.equal(rig.log.level, level, name);
  }
});

t.test('what cannot be set is refused in the words of Redis, and nothing is set', async (t) => {
  const rig = new Rig();
  const client = rig.connect();
  const before = { ...rig.runtimeConfig };
  const range = (min: number) => `argument must be between ${min} and 9223372036854775807 inclusive`;
  const unparsed = "argument couldn't be parsed into an integer";
  const cases: readonly (readonly [string, string])[] = [
    ['foo 1', "-ERR Unknown option or number of arguments for CONFIG SET - 'foo'\r\n"],
    ['slowlog-max-len 1 foo 1', "-ERR Unknown option or number of arguments for CONFIG SET - 'foo'\r\n"],
    ['slowlog-max-len 1 foo', '-ERR syntax error\r\n'],
    ['slowlog-max-len', "-ERR wrong number of arguments for 'config|set' command\r\n"],
    ['slowlog-max-len x', failed('slowlog-max-len', unparsed)],
    ['slowlog-max-len 1.5', failed('slowlog-max-len', unparsed)],
    ['slowlog-max-len 99999999999999999999', failed('slowlog-max-len', unparsed)],
    ['slowlog-max-len -1', failed('slowlog-max-len', range(0))],
    ['slowlog-log-slower-than -2', failed('slowlog-log-slower-than', range(-1))],
    ['latency-monitor-threshold 1 slowlog-max-len -1', failed('slowlog-max-len', range(0))],
    ['slowlog-max-len 1 slowlog-max-len 2', failed('slowlog-max-len', 'duplicate parameter')],
    ['databases 4', failed('databases', "can't set immutable config")],
    ['slowlog-max-len 1 port 1', failed('port', "can't set immutable config")],
    [
      'loglevel loud',
      failed('loglevel', 'argument(s) must be one of the following: debug, verbose, notice, warning'),
    ],
  ];
  for (const [line, reply] of cases) t.equal(await client.line(`CONFIG SET ${line}`), reply, line);
  t.same({ ...rig.runtimeConfig }, before);
  t.equal(await client.line('CONFIG SET databases 1'), '+OK\r\n', 'which is so already');
  t.equal(await client.ask('CONFIG', 'SET', 'save', ''), '+OK\r\n');
});

t.test('RESETSTAT begins the counts anew; there is no file to rewrite', async (t) => {
  const rig = new Rig();
  const client = rig.connect();
  await client.line('PING');
  t.equal(await client.line('CONFIG RESETSTAT'), '+OK\r\n');
  t.equal(rig.clients.received, 0);
  t.same([...rig.statistics.commands.keys()], ['config|resetstat'], 'it ends after it has begun');
  t.equal(await client.line('CONFIG REWRITE'), '-ERR The server is running without a config file\r\n');
});
