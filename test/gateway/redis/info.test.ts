import t from 'tap';
import { Rig, type RigClient } from './rig.js';

const DEFAULT = [
  'Server',
  'Clients',
  'Memory',
  'Persistence',
  'Stats',
  'Replication',
  'CPU',
  'Modules',
  'Errorstats',
  'Cluster',
  'Keyspace',
];

const titles = (text: string): string[] => [...text.matchAll(/^# (\w+)\r$/gm)].map(([, title]) => title!);

/** The fields of a text, whatever section they are in. */
function fieldsOf(text: string): Map<string, string> {
  const lines = text.split('\r\n').filter((line) => line.includes(':'));
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]));
}

async function fields(client: RigClient, sections = 'everything'): Promise<Map<string, string>> {
  return fieldsOf(await client.text(`INFO ${sections}`));
}

t.test('sections are those asked for, in their own order', async (t) => {
  const client = new Rig().connect();
  t.same(titles(await client.text('INFO')), DEFAULT);
  t.same(titles(await client.text('INFO default')), DEFAULT);
  const all = [...DEFAULT.slice(0, 8), 'Commandstats', 'Errorstats', 'Latencystats', 'Cluster', 'Keyspace'];
  t.same(titles(await client.text('INFO ALL')), all);
  t.same(titles(await client.text('INFO everything server')), all);
  t.same(titles(await client.text('INFO keyspace SERVER keyspace')), ['Server', 'Keyspace']);
  t.same(titles(await client.text('INFO default commandstats')), [
    ...DEFAULT.slice(0, 8),
    'Commandstats',
    ...DEFAULT.slice(8),
  ]);
  t.equal(await client.line('INFO foo'), '$0\r\n\r\n');
});

t.test('the layout is that of Redis: lines, and an empty one between sections', async (t) => {
  const client = new Rig().connect();
  const text = '# Cluster\r\ncluster_enabled:0\r\n\r\n# Keyspace\r\ndb0:keys=3,expires=1,avg_ttl=0\r\n';
  t.equal(await client.line('INFO keyspace cluster'), `$${text.length}\r\n${text}\r\n`);
  await client.line('HELLO 3');
  t.equal(await client.line('INFO keyspace cluster'), `=${text.length + 4}\r\ntxt:${text}\r\n`);
});

t.test('what redis-cli --stat and clients look for is there', async (t) => {
  const rig = new Rig();
  const client = rig.connect();
  rig.connect();
  rig.clock.advance(90_061_000);
  await client.line('PING');
  const info = await fields(client);
  const expected: Readonly<Record<string, string>> = {
    redis_version: '7.0.15',
    redis_mode: 'standalone',
    server_name: 'quoral',
    quoral_version: '1.2.3',
    run_id: 'f'.repeat(32),
    tcp_port: '7400',
    uptime_in_seconds: '90061',
    uptime_in_days: '1',
    connected_clients: '2',
    blocked_clients: '0',
    used_memory: '1611872',
    used_memory_human: '1.54M',
    loading: '0',
    rdb_bgsave_in_progress: '0',
    aof_enabled: '1',
    aof_rewrite_in_progress: '0',
    total_connections_received: '2',
    total_commands_processed: '1',
    role: 'master',
    used_cpu_sys: '0.250000',
    used_cpu_user: '1.500000',
    cluster_enabled: '0',
    db0: 'keys=3,expires=1,avg_ttl=0',
  };
  for (const [name, value] of Object.entries(expected)) t.equal(info.get(name), value, name);
});

t.test('commands, errors and latencies are counted in lines of their own', async (t) => {
  const rig = new Rig();
  const client = rig.connect();
  rig.statistics.onCommand('get', 0.002, 'done');
  rig.statistics.onCommand('get', 0.1, 'failed');
  rig.statistics.onCommand('client|list', 0, 'rejected');
  rig.statistics.onError('BUSY full');
  const info = await fields(client, 'commandstats errorstats latencystats');
  t.same(Object.fromEntries(info), {
    'cmdstat_client|list': 'calls=0,usec=0,usec_per_call=0.00,rejected_calls=1,failed_calls=0',
    cmdstat_get: 'calls=2,usec=102,usec_per_call=51.00,rejected_calls=0,failed_calls=1',
    errorstat_BUSY: 'count=1',
    latency_percentiles_usec_get: 'p50=2.000,p99=128.000,p99.9=128.000',
  });
});

t.test('the cluster is shown as the status has it', async (t) => {
  const rig = new Rig();
  rig.status = {
    state: 'serving',
    clusterId: 'c1',
    epoch: 4,
    replicas: 3,
    readQuorum: 2,
    writeQuorum: 2,
    effectiveReplicas: 2,
    underReplicated: true,
    members: [
      { name: 'n1', state: 'self', zone: '', problem: 'a, b\r\nc' },
      { name: 'n2', state: 'faulty', zone: 'x', problem: undefined },
    ],
    hints: { hints: 7, targets: [{ target: 'n2', hints: 7 }] },
    antiEntropy: { slots: { inSync: 5 }, repair: null },
    requests: { readRepairs: 9 },
  };
  const info = await fields(rig.connect(), 'replication stats');
  const expected: Readonly<Record<string, string>> = {
    cluster_id: 'c1',
    epoch: '4',
    replicas: '3',
    read_quorum: '2',
    write_quorum: '2',
    under_replicated: '1',
    members: '2',
    members_alive: '1',
    member0: 'name=n1,state=self,zone=,problem=a; b  c',
    member1: 'name=n2,state=faulty,zone=x',
    hints: '7',
    hints_targets0: 'target=n2,hints=7',
    anti_entropy_slots_in_sync: '5',
    requests_read_repairs: '9',
  };
  for (const [name, value] of Object.entries(expected)) t.equal(info.get(name), value, name);
});

t.test('a node that is in no cluster yet is loading, and a disk that failed is said', async (t) => {
  const rig = new Rig();
  const client = rig.connect();
  rig.status = { state: 'joining', storage: { state: 'failed' } };
  const info = await fields(client, 'persistence');
  t.same(
    ['loading', 'loading_eta_seconds', 'aof_last_write_status'].map((name) => info.get(name)),
    ['1', '1', 'err'],
  );
});

t.test('INFO answers when keys cannot be counted, and counts them only where they are shown', async (t) => {
  const rig = new Rig();
  const client = rig.connect();
  let counts = 0;
  rig.countKeys = () => {
    counts++;
    return Promise.reject(new Error('nobody'));
  };
  t.same(titles(await client.text('INFO')), DEFAULT);
  t.notOk((await fields(client, 'keyspace')).has('db0'));
  t.equal(counts, 2);
  await client.text('INFO server stats');
  t.equal(counts, 2);
  rig.countKeys = async () => ({ keys: 0, expiring: 0 });
  t.equal(await client.text('INFO keyspace'), '# Keyspace\r\n');
});
