/** What operators and their tools ask for: INFO and its counts, CONFIG, SLOWLOG, LATENCY and TIME. */
import t, { type Test } from 'tap';
import type { RespClient } from '../resp-client.js';
import { show } from '../resp-reply.js';
import {
  type Case,
  fieldsOf,
  itemsOf,
  linesOf,
  onEachServer,
  openAs,
  openEmptied,
  PROTOCOLS,
  runCases,
  type Server,
  textOf,
} from './tables.js';

const UNKNOWN_OPTION = /^-ERR Unknown option or number of arguments for CONFIG SET - 'foo'/;
const failed = (name: string, problem: string) =>
  `-ERR CONFIG SET failed (possibly related to argument '${name}') - ${problem}`;

const CASES: readonly Case[] = [
  {
    name: 'CONFIG GET',
    steps: [
      ['CONFIG GET databases', '["databases", "1"]', '{"databases": "1"}'],
      ['config get DATABASES', '["DATABASES", "1"]', '{"DATABASES": "1"}'],
      ['CONFIG GET databases databases', '["databases", "1"]', '{"databases": "1"}'],
      ['CONFIG GET data?ases', '["databases", "1"]', '{"databases": "1"}'],
      ['CONFIG GET slowlog-max-l[e]n', '["slowlog-max-len", "128"]', '{"slowlog-max-len": "128"}'],
      ['CONFIG GET foo', '[]', '{}'],
      ['CONFIG GET foo*', '[]', '{}'],
      ['CONFIG GET appendonly', '["appendonly", "yes"]', '{"appendonly": "yes"}'],
      ['CONFIG GET save', '["save", ""]', '{"save": ""}'],
      ['CONFIG GET requirepass', '["requirepass", ""]', '{"requirepass": ""}'],
      ['CONFIG GET cluster-enabled', '["cluster-enabled", "no"]', '{"cluster-enabled": "no"}'],
      ['CONFIG GET maxmemory', '["maxmemory", "0"]', '{"maxmemory": "0"}'],
      [
        'CONFIG GET maxmemory-policy',
        '["maxmemory-policy", "noeviction"]',
        '{"maxmemory-policy": "noeviction"}',
      ],
      ['CONFIG GET timeout', '["timeout", "0"]', '{"timeout": "0"}'],
      ['CONFIG GET bind', '["bind", "127.0.0.1"]', '{"bind": "127.0.0.1"}'],
      ['CONFIG GET', "-ERR wrong number of arguments for 'config|get' command"],
    ],
  },
  {
    name: 'CONFIG SET takes all or nothing',
    steps: [
      ['CONFIG SET slowlog-max-len 50 LATENCY-monitor-threshold 7000', '+OK'],
      ['CONFIG GET slowlog-max-len', '["slowlog-max-len", "50"]', '{"slowlog-max-len": "50"}'],
      ['CONFIG SET slowlog-max-len 60 foo 1', UNKNOWN_OPTION],
      [
        'CONFIG SET slowlog-max-len 60 latency-monitor-threshold x',
        failed('latency-monitor-threshold', "argument couldn't be parsed into an integer"),
      ],
      ['CONFIG SET slowlog-max-len 60 slowlog-max-len 70', failed('slowlog-max-len', 'duplicate parameter')],
      ['CONFIG SET slowlog-max-len 60 latency-monitor-threshold', '-ERR syntax error'],
      ['CONFIG SET slowlog-max-len 60 databases 5', failed('databases', "can't set immutable config")],
      [
        'CONFIG SET slowlog-max-len -1',
        failed('slowlog-max-len', 'argument must be between 0 and 9223372036854775807 inclusive'),
      ],
      [
        'CONFIG SET latency-monitor-threshold -1',
        failed('latency-monitor-threshold', 'argument must be between 0 and 9223372036854775807 inclusive'),
      ],
      ['CONFIG SET slowlog-max-len', "-ERR wrong number of arguments for 'config|set' command"],
      ['CONFIG GET slowlog-max-len', '["slowlog-max-len", "50"]', '{"slowlog-max-len": "50"}'],
      [
        'CONFIG GET latency-monitor-threshold',
        '["latency-monitor-threshold", "7000"]',
        '{"latency-monitor-threshold": "7000"}',
      ],
      ['CONFIG SET slowlog-max-len 128 latency-monitor-threshold 0', '+OK'],
      ['CONFIG SET appendonly yes', '+OK'],
      ['CONFIG SET maxmemory 0', '+OK'],
      ['CONFIG SET loglevel warning', '+OK'],
      ['CONFIG GET loglevel', '["loglevel", "warning"]', '{"loglevel": "warning"}'],
      ['CONFIG SET loglevel notice', '+OK'],
      [
        'CONFIG SET loglevel foo',
        /^-ERR CONFIG SET failed \(possibly related to argument 'loglevel'\) - argument\(s\) must be one of the following: debug, verbose, notice, warning/,
      ],
    ],
  },
  {
    name: 'the words of CONFIG, SLOWLOG, LATENCY and DEBUG',
    steps: [
      ['CONFIG FOO', "-ERR unknown subcommand 'FOO'. Try CONFIG HELP."],
      ['CONFIG', "-ERR wrong number of arguments for 'config' command"],
      ['CONFIG HELP', /^\[\+CONFIG <subcommand> /],
      ['CONFIG REWRITE', '-ERR The server is running without a config file'],
      ['SLOWLOG FOO', "-ERR unknown subcommand 'FOO'. Try SLOWLOG HELP."],
      ['SLOWLOG GET x', '-ERR count should be greater than or equal to -1'],
      ['SLOWLOG GET -2', '-ERR count should be greater than or equal to -1'],
      ['SLOWLOG HELP', /^\[\+SLOWLOG <subcommand> /],
      ['LATENCY FOO', "-ERR unknown subcommand 'FOO'. Try LATENCY HELP."],
      ['LATENCY HELP', /^\[\+LATENCY <subcommand> /],
      ['LATENCY HISTORY command', '[]'],
      ['LATENCY GRAPH foo', "-ERR No samples available for event 'foo'"],
      ['LATENCY HISTOGRAM nothing', '[]', '{}'],
      ['DEBUG SLEEP 0', '+OK'],
      ['TIME', /^\["\d{10}", "\d{1,6}"\]$/],
      ['TIME x', "-ERR wrong number of arguments for 'time' command"],
      ['INFO nothing', '""', '="txt:"'],
    ],
  },
];

/** What `redis-cli --stat`, exporters of measurements and client libraries look for. */
const INFO_FIELDS: Readonly<Record<string, RegExp>> = {
  redis_version: /^7\.0\.15$/,
  redis_mode: /^standalone$/,
  run_id: /^[0-9a-f]{32,40}$/,
  tcp_port: /^\d+$/,
  uptime_in_seconds: /^\d+$/,
  uptime_in_days: /^\d+$/,
  server_time_usec: /^\d{16}$/,
  connected_clients: /^[1-9]\d*$/,
  blocked_clients: /^0$/,
  used_memory: /^[1-9]\d*$/,
  used_memory_human: /^[\d.]+[BKMG]$/,
  used_memory_rss: /^[1-9]\d*$/,
  maxmemory: /^0$/,
  maxmemory_policy: /^noeviction$/,
  loading: /^0$/,
  rdb_bgsave_in_progress: /^0$/,
  aof_enabled: /^1$/,
  aof_rewrite_in_progress: /^0$/,
  aof_last_write_status: /^ok$/,
  total_connections_received: /^[1-9]\d*$/,
  total_commands_processed: /^\d+$/,
  instantaneous_ops_per_sec: /^\d+$/,
  total_net_input_bytes: /^\d+$/,
  rejected_connections: /^0$/,
  evicted_keys: /^0$/,
  pubsub_channels: /^0$/,
  total_error_replies: /^\d+$/,
  role: /^master$/,
  connected_slaves: /^0$/,
  used_cpu_sys: /^\d+\.\d+$/,
  used_cpu_user: /^\d+\.\d+$/,
  cluster_enabled: /^0$/,
  db0: /^keys=3,expires=1,avg_ttl=\d+/,
};

t.test('monitoring', (t) =>
  onEachServer(t, async (t, server) => {
    // On one node: each has counts and parameters of its own.
    await runCases(t, server, CASES, { ownConnection: true });
    await t.test('INFO has what tools look for', (t) => infoFields(t, server));
    await t.test('INFO shows the sections that are named', (t) => sections(t, server));
    await t.test('commands and errors are counted, until CONFIG RESETSTAT', (t) => counts(t, server));
    await t.test('SLOWLOG keeps what took long', (t) => slowLog(t, server));
    await t.test('LATENCY', (t) => latency(t, server));
  }),
);

async function infoFields(t: Test, server: Server): Promise<void> {
  const clients = await openEmptied(t, server);
  await clients[0]!.command('MSET', 'a', '1', 'b', '2');
  await clients[0]!.command('SET', 'c', '3', 'EX', '1000');
  for (const address of server.addresses) {
    for (const protocol of PROTOCOLS) {
      const client = await openAs(t, address, protocol);
      const reply = await client.command('INFO');
      t.equal(reply.kind, protocol === 3 ? 'verbatim' : 'bulk');
      const fields = linesOf(textOf(reply));
      for (const [name, pattern] of Object.entries(INFO_FIELDS))
        t.match(fields.get(name) ?? 'missing', pattern, name);
      t.equal(fields.get('tcp_port'), address.split(':')[1]);
    }
  }
}

async function sections(t: Test, server: Server): Promise<void> {
  const [client] = await openEmptied(t, server);
  const titles = async (...names: readonly string[]): Promise<readonly string[]> =>
    textOf(await client!.command('INFO', ...names)).match(/^# \w+/gm) ?? [];
  t.same(await titles('server'), ['# Server']);
  t.same(await titles('CPU', 'Server', 'nothing'), ['# Server', '# CPU']);
  t.same(await titles('commandstats'), ['# Commandstats']);
  const [plain, everything] = [await titles(), await titles('everything')];
  t.same(await titles('default'), plain);
  t.notOk(plain.includes('# Commandstats'));
  for (const title of [...plain, '# Commandstats', '# Latencystats']) t.ok(everything.includes(title), title);
  t.same([...linesOf(textOf(await client!.command('INFO', 'keyspace')))], [], 'no keys, no line');
}

async function counts(t: Test, server: Server): Promise<void> {
  const [client] = await openEmptied(t, server);
  t.equal(show(await client!.command('CONFIG', 'RESETSTAT')), '+OK');
  for (let i = 0; i < 3; i++) await client!.command('GET', 'a');
  await client!.command('SET', 'a', '1', 'EX', 'x');
  await client!.command('SET', 'a', '1', 'EX', '10');
  await client!.command('GET');
  await client!.command('AUTH', 'nobody', 'x');
  await client!.command('CLIENT', 'ID');
  const fields = linesOf(textOf(await client!.command('INFO', 'everything')));
  t.match(
    fields.get('cmdstat_get'),
    /^calls=3,usec=\d+,usec_per_call=[\d.]+,rejected_calls=1,failed_calls=0$/,
  );
  t.match(
    fields.get('cmdstat_set'),
    /^calls=2,usec=\d+,usec_per_call=[\d.]+,rejected_calls=0,failed_calls=1$/,
  );
  t.match(fields.get('cmdstat_client|id'), /^calls=1,/);
  t.equal(fields.get('errorstat_ERR'), 'count=2');
  t.equal(fields.get('errorstat_WRONGPASS'), 'count=1');
  t.equal(fields.get('total_error_replies'), '3');
  t.match(fields.get('latency_percentiles_usec_get'), /^p50=[\d.]+,p99=[\d.]+,p99\.9=[\d.]+$/);
  t.ok(Number(fields.get('total_commands_processed')) >= 7);
  await client!.command('CONFIG', 'RESETSTAT');
  const after = linesOf(textOf(await client!.command('INFO', 'everything')));
  t.equal(after.get('cmdstat_get'), undefined);
  t.equal(after.get('errorstat_ERR'), undefined);
  t.equal(after.get('total_error_replies'), '0');
}

async function slowLog(t: Test, server: Server): Promise<void> {
  const [client] = await openEmptied(t, server);
  const set = async (name: string, value: number) =>
    t.equal(show(await client!.command('CONFIG', 'SET', name, value)), '+OK');
  await client!.command('CLIENT', 'SETNAME', 'slow-one');
  await set('slowlog-log-slower-than', 0);
  await client!.command('SLOWLOG', 'RESET');
  for (let i = 0; i < 5; i++) await client!.command('get', `slow:${i}`);
  await set('slowlog-log-slower-than', -1);
  const entries = itemsOf(await client!.command('SLOWLOG', 'GET', -1)).map(itemsOf);
  const gets = entries.filter((entry) => textOf(itemsOf(entry[3]!)[0]!) === 'get');
  t.same(
    gets.map((entry) => show(entry[3]!)),
    [4, 3, 2, 1, 0].map((i) => `["get", "slow:${i}"]`),
    'the newest first',
  );
  for (const [id, unix, elapsed, , address, name] of gets) {
    t.match(
      [id, unix, elapsed].map((reply) => reply!.kind),
      ['integer', 'integer', 'integer'],
    );
    t.equal(textOf(address!), `${client!.socket.localAddress}:${client!.socket.localPort}`);
    t.equal(textOf(name!), 'slow-one');
  }
  const ids = gets.map(([id]) => Number(textOf(id!)));
  t.same(
    ids,
    [...ids].sort((a, b) => b - a),
    'ids grow',
  );
  t.equal(show(await client!.command('SLOWLOG', 'LEN')), `:${entries.length}`);
  t.equal(itemsOf(await client!.command('SLOWLOG', 'GET', 2)).length, 2);
  t.equal(itemsOf(await client!.command('SLOWLOG', 'GET', 0)).length, 0);
  await set('slowlog-max-len', 2);
  await set('slowlog-log-slower-than', 0);
  for (let i = 0; i < 4; i++) await client!.command('PING');
  t.equal(show(await client!.command('SLOWLOG', 'LEN')), ':2', 'the oldest make room');
  await set('slowlog-max-len', 128);
  await set('slowlog-log-slower-than', 20_000);
  t.equal(show(await client!.command('SLOWLOG', 'RESET')), '+OK');
  await client!.command('DEBUG', 'SLEEP', '0.05');
  const slow = itemsOf(await client!.command('SLOWLOG', 'GET')).map(itemsOf);
  const sleep = slow.find((entry) => /debug/i.test(show(entry[3]!)));
  t.ok(Number(textOf(sleep![2]!)) >= 40_000, 'a sleep of 50 ms is there');
  await set('slowlog-log-slower-than', -1);
  await client!.command('SLOWLOG', 'RESET');
  t.equal(show(await client!.command('SLOWLOG', 'GET')), '[]');
}

async function latency(t: Test, server: Server): Promise<void> {
  const [client] = await openEmptied(t, server);
  await client!.command('CONFIG', 'SET', 'latency-monitor-threshold', 20);
  await client!.command('LATENCY', 'RESET');
  await client!.command('DEBUG', 'SLEEP', '0.05');
  // From here on nothing is added, however slow the machine is.
  await client!.command('CONFIG', 'SET', 'latency-monitor-threshold', 0);
  const events = itemsOf(await client!.command('LATENCY', 'LATEST')).map(itemsOf);
  const [, unix, last, most] = events.find(([name]) => textOf(name!) === 'command') ?? [];
  t.match(show(unix!), /^:\d{10}$/);
  t.ok(Number(textOf(last!)) >= 40 && Number(textOf(most!)) >= 40);
  const history = itemsOf(await client!.command('LATENCY', 'HISTORY', 'command'));
  t.ok(history.length >= 1);
  t.match(show(history[0]!), /^\[:\d{10}, :\d+\]$/);
  t.match(textOf(await client!.command('LATENCY', 'GRAPH', 'command')), /^command.*\n/);
  t.match(textOf(await client!.command('LATENCY', 'DOCTOR')), /command/);
  t.equal(show(await client!.command('LATENCY', 'RESET', 'command')), ':1');
  t.equal(show(await client!.command('LATENCY', 'RESET', 'command', 'nothing')), ':0');
  await client!.command('LATENCY', 'RESET');
  t.equal(show(await client!.command('LATENCY', 'LATEST')), '[]');
  await histogram(t, server, client!);
}

async function histogram(t: Test, server: Server, client: RespClient): Promise<void> {
  await client.command('CONFIG', 'RESETSTAT');
  for (let i = 0; i < 5; i++) await client.command('SET', 'h', i);
  await client.command('CLIENT', 'ID');
  for (const protocol of PROTOCOLS) {
    const mine = await openAs(t, server.addresses[0]!, protocol);
    const reply = await mine.command('LATENCY', 'HISTOGRAM', 'SET', 'client', 'get');
    t.equal(reply.kind, protocol === 3 ? 'map' : 'array');
    const found = fieldsOf(reply);
    t.same([...found.keys()].sort(), ['client|id', 'set']);
    const set = fieldsOf(found.get('set')!);
    t.equal(show(set.get('calls')!), ':5');
    const buckets = itemsOf(set.get('histogram_usec')!).map((item) => Number(textOf(item)));
    t.equal(buckets.at(-1), 5, 'the last bucket counts all of them');
  }
}
