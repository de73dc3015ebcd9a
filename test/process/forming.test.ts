/** How a cluster of real processes is founded, joined and entered again, and what a node that may not enter is told. */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { connect, type Member, type StatusView } from '../../src/client/index.js';
import { type NodeSpec, RealCluster } from '../support/real-cluster.js';
import { close, freePorts, HOST, listen } from './ports.js';
import { run, until } from './program.js';

const TEST = { buffered: true, timeout: 120_000 };
const KEYS = Array.from({ length: 200 }, (_, i) => `key:${i}`);

// Nodes that start and links that come up make for more waiting than work.
t.jobs = 3;

t.test('a founder serves alone, says that it does, and a second node joins it', TEST, async (t) => {
  const cluster = await RealCluster.start(t, 1);
  t.match(await cluster.status('n1'), {
    state: 'serving',
    epoch: 1,
    replicas: 3,
    effectiveReplicas: 1,
    readQuorum: 1,
    writeQuorum: 1,
    underReplicated: true,
    members: [{ name: 'n1', state: 'self' }],
  });
  const status = await run(t, 'kvcli', ['-h', cluster.addresses[0]!, 'status']);
  t.equal(status.code, 0);
  t.match(`${status.stdout}${status.stderr}`, /under-?\s?replicated/i, 'a person is told as well');

  await (await cluster.add({ name: 'n2', join: cluster.addresses })).up();
  await cluster.agree();
  const expected = { epoch: 2, effectiveReplicas: 2, readQuorum: 2, writeQuorum: 2, underReplicated: true };
  for (const name of ['n1', 'n2']) t.match(await cluster.status(name), expected, name);
  const client = await cluster.client();
  await client.set('key', 'value', { w: 2 });
  t.equal(await client.get('key', { r: 2 }), 'value');
});

t.test('four nodes that join at one moment by different members all become members', TEST, async (t) => {
  const cluster = await RealCluster.start(t, 3);
  const seeds = cluster.addresses;
  for (let i = 0; i < 4; i++) {
    await cluster.add({ name: `late${i}`, join: [seeds[i % seeds.length]!] });
  }
  const late = cluster.nodes.slice(3);
  for (const node of late) node.start();
  await Promise.all(late.map((node) => node.serves()));
  await cluster.agree();
  const views = await Promise.all(cluster.nodes.map(({ name }) => cluster.status(name)));
  const configurations = new Set(views.map(configurationOf));
  t.equal(configurations.size, 1, 'everybody has the same configuration');
  t.match(views[0], { epoch: 7, effectiveReplicas: 3 }, 'of one epoch for each member');
  const names = membersOf(views[0]!).map(({ name }) => name);
  t.same(names.sort(), cluster.nodes.map(({ name }) => name).sort());
  const client = await cluster.client();
  const entries = Array.from({ length: 500 }, (_, i): [string, string] => [`key:${i}`, `${i}`]);
  await client.setMany(entries, { w: 3 });
  for (const { name, address } of cluster.nodes) {
    const one = await connect(address);
    t.teardown(() => one.close());
    const values = await one.getMany(entries.map(([key]) => key));
    t.same(
      values,
      entries.map(([, value]) => value),
      `asked by ${name}`,
    );
  }
});

t.test('nobody joins a cluster that holds records', TEST, async (t) => {
  const cluster = await RealCluster.start(t, 3);
  const client = await cluster.client();
  await client.set('key', 'value');
  for (const seed of cluster.addresses) {
    const line = await refusalOf(t, cluster, { name: 'n4', join: [seed] });
    t.match(line, /^kvd: n4 cannot start: JOIN_REFUSED: .*already holds records/);
  }
  await client.set('key', 'the refusal has left no freeze');
  t.equal(await client.get('key'), 'the refusal has left no freeze');
  t.match(await cluster.status('n1'), { epoch: 3 }, 'and no new configuration');
});

t.test('a member that is started again under its name and on its data takes its place', TEST, async (t) => {
  const cluster = await RealCluster.start(t, 3);
  const client = await cluster.client();
  await client.set('key', 'value', { w: 3 });
  const before = configurationOf(await cluster.status('n1'));
  const { address, data } = cluster.node('n2');
  for (const words of ['the same words', 'without --join'] as const) {
    await cluster.kill('n2');
    if (words === 'without --join') await cluster.add({ name: 'n2', address, data });
    await cluster.restart('n2');
    await cluster.agree();
    t.equal(configurationOf(await cluster.status('n2')), before, `the same configuration, with ${words}`);
    t.equal(await client.get('key', { r: 3 }), 'value');
  }
  // The founder, too: nothing on its command line tells it from one that founds a cluster.
  await cluster.kill('n1');
  await cluster.restart('n1');
  await cluster.agree();
  t.equal(configurationOf(await cluster.status('n1')), before, 'and so does the founder');
});

t.test(
  'a data directory under another name, and a name with another directory, are refused',
  TEST,
  async (t) => {
    const cluster = await RealCluster.start(t, 3);
    const client = await cluster.client();
    await client.set('key', 'value', { w: 3 });
    const { address, data } = cluster.node('n3');
    const seeds = [cluster.addresses[0]!];

    const inUse = await refusalOf(t, cluster, { name: 'n3', data, join: seeds });
    t.match(inUse, 'another process', 'a second process on one directory');
    t.match(inUse, data, 'is told which');

    const second = await refusalOf(t, cluster, { name: 'n3', join: seeds });
    t.match(second, /^kvd: n3 cannot start: JOIN_REFUSED: .*n3 is running, with another data directory/);

    await cluster.kill('n3');
    const renamed = await refusalOf(t, cluster, { name: 'n9', address, data, join: seeds });
    t.match(renamed, /^kvd: n9 cannot start: NOT_A_MEMBER: .*belongs to node n3, not n9/);
    const elsewhere = await refusalOf(t, cluster, { name: 'n3', data, join: seeds });
    t.match(elsewhere, new RegExp(`^kvd: n3 cannot start: NOT_A_MEMBER: .*${address}`), 'nor may it move');

    await (await cluster.add({ name: 'n3', address, data })).up();
    await cluster.agree();
    t.equal(await client.get('key', { r: 3 }), 'value', 'with the right name and data it is back');
  },
);

t.test('a member that comes back without its data is let in, and gets it back', TEST, async (t) => {
  const cluster = await RealCluster.start(t, 3);
  const client = await cluster.client();
  await client.setMany(KEYS.map((key): [string, string] => [key, 'value']));
  const before = await cluster.status('n1');
  const { address } = cluster.node('n3');
  await cluster.kill('n3');
  const data = join(cluster.directory, 'another disk');
  await mkdir(data);
  await (await cluster.add({ name: 'n3', address, data, join: [cluster.addresses[1]!] })).up();
  await until('n3 has synced', async () => (await cluster.status('n3')).state === 'serving');
  await cluster.agree();
  const after = await cluster.status('n3');
  t.equal(after.clusterId, before.clusterId);
  t.equal(after.epoch, (before.epoch as number) + 1, 'under the next epoch');
  t.same(membersOf(after).map(placeOf), membersOf(before).map(placeOf), 'in its own place');
  await cluster.kill('n2');
  t.same(new Set(await client.getMany(KEYS)), new Set(['value']), 'what is read with it is right');
});

t.test(
  'a node without its data that founds a cluster of its own does not speak for the old one',
  async (t) => {
    const cluster = await RealCluster.start(t, 3);
    const client = await cluster.client();
    await client.setMany(
      KEYS.map((key): [string, string] => [key, 'value']),
      { w: 3 },
    );
    const { clusterId } = await cluster.status('n1');
    const { address } = cluster.node('n3');
    await cluster.kill('n3');
    // Without --join, it makes a new cluster at an address of the old one, and somebody writes there before a member calls.
    const data = join(cluster.directory, 'lost');
    const others = [cluster.node('n1'), cluster.node('n2')];
    for (const other of others) other.signal('SIGSTOP');
    t.teardown(() => {
      for (const other of others) if (other.isRunning) other.signal('SIGCONT');
    });
    await (await cluster.add({ name: 'n3', address, data })).up();
    const stranger = await connect(address);
    t.teardown(() => stranger.close());
    await stranger.set(KEYS[0]!, 'strange');
    for (const other of others) other.signal('SIGCONT');
    await cluster.see(['n1', 'n2'], ['n1', 'n2']);
    await client.setMany(KEYS.map((key): [string, string] => [key, 'newer']));
    t.same(
      new Set(await client.getMany(KEYS)),
      new Set(['newer']),
      'the two others are a majority without it',
    );
    // Their redial is due within seconds, and calls it home.
    await until('it says that it holds records of a new cluster', () =>
      /has lost its data, and holds records of a new cluster/.test(cluster.node('n3').logs()),
    );
    await until('n1 and n2 say why they do not take it for n3', async () => {
      const views = await Promise.all([cluster.status('n1'), cluster.status('n2')]);
      return views.every((view) => /another (cluster|identity)/.test(JSON.stringify(view.members)));
    });
    await cluster.see(['n1', 'n2'], ['n1', 'n2']);
    await t.rejects(stranger.get(KEYS[0]!), { name: 'KvError' }, 'and it answers nothing any more');
    t.not((await cluster.status('n3')).clusterId, clusterId);

    await cluster.kill('n3');
    await rm(data, { recursive: true });
    await cluster.node('n3').up([cluster.addresses[0]!]);
    await until('n3 has synced', async () => (await cluster.status('n3')).state === 'serving');
    await cluster.agree();
    await cluster.kill('n1');
    t.same(new Set(await client.getMany(KEYS)), new Set(['newer']), 'as told, it is emptied and joins again');
  },
);

t.test('a node waits for a seed that is not there yet', TEST, async (t) => {
  const cluster = await RealCluster.empty(t);
  const [port] = await freePorts(1);
  const seed = `${HOST}:${port}`;
  const waiting = await cluster.add({ name: 'n2', join: [seed] });
  waiting.start();
  await waiting.program.says(/waiting to join/);
  await (await cluster.add({ name: 'n1', address: seed })).up();
  await waiting.serves();
  await cluster.agree();
  t.match(await cluster.status('n2'), { epoch: 2, state: 'serving' });
});

t.test('while it waits for a seed, a node tells its clients so', TEST, async (t) => {
  const cluster = await RealCluster.empty(t);
  const [port] = await freePorts(1);
  const waiting = await cluster.add({ name: 'n2', join: [`${HOST}:${port}`] });
  waiting.start();
  await waiting.program.says(/waiting to join/);
  for (const words of [['get', 'key'], ['ring'], ['owners', 'key'], ['scan']]) {
    const { code, stderr } = await run(t, 'kvcli', ['-h', waiting.address, '--timeout', '500ms', ...words]);
    t.equal(code, 2, `kvcli ${words.join(' ')}`);
    t.match(stderr, /NOT_A_MEMBER|joining/, 'says why');
  }
  t.ok(waiting.isRunning, `it goes on waiting\n${waiting.logs()}`);
});

t.test('what is wrong with a command line is said in one line, with exit code 1', TEST, async (t) => {
  const cluster = await RealCluster.empty(t);
  const server = await listen(0);
  t.teardown(() => close(server));
  const taken = `${HOST}:${(server.address() as { port: number }).port}`;
  const line = await refusalOf(t, cluster, { name: 'n1', address: taken });
  t.match(line, new RegExp(`^kvd: ${taken} is taken.*--listen`));

  const data = join(cluster.directory, 'unused');
  const wrong: [words: string[], message: RegExp][] = [
    [['--name', 'n1', '--frobnicate', '3'], /--frobnicate/],
    [['--name', 'n1', '--wieght', '3'], /--wieght.*--weight/],
    [['--name', 'n1', '--weight', 'heavy'], /--weight is "heavy"/],
    [['--name', 'n1', '--write-quorum', '4'], /write quorum is 4, more than the 3 replicas/],
    [['--name', 'no spaces'], /--name is "no spaces"/],
    [['--name', 'n1', '--listen', '7400'], /--listen is "7400"/],
    [['--name', 'n1', '--join', 'nowhere'], /--join is "nowhere"/],
    [['--name', 'n1', '--fsync', 'sometimes'], /--fsync is "sometimes".*always, everysec or never/],
    [['--name', 'n1', '--config', join(data, 'none.json')], /none\.json/],
    [[], /--name/],
    [['develop'], /develop.*kvd dev/],
    [['dev', '--nodes', '0'], /--nodes/],
  ];
  for (const [words, message] of wrong) {
    const isNode = words[0] === '--name';
    const { code, stdout, stderr } = await run(t, 'kvd', isNode ? [...words, '--data', data] : words);
    t.same([code, stdout.length], [1, 0], `kvd ${words.join(' ')}`);
    t.match(stderr, message);
    t.equal(stderr.trimEnd().split('\n').length, 1, 'one line');
  }
});

/** Starts a node that must not come up, and resolves with the one line that it says. */
async function refusalOf(t: Test, cluster: RealCluster, spec: NodeSpec): Promise<string> {
  const node = await cluster.make({ data: join(cluster.directory, `refused-${spec.name}`), ...spec });
  node.start();
  const exit = await node.program.ended();
  t.same(exit, { code: 1, signal: null }, `${spec.name} does not start`);
  t.equal(node.program.stdout.length, 0);
  t.equal(node.program.said.length, 1, `it says one line: ${node.program.said.join('\n')}`);
  return node.program.said[0] ?? '';
}

/** The part of a status on which all members have to agree, to the letter. */
function configurationOf(status: StatusView): string {
  const { clusterId, epoch, replicas, readQuorum, writeQuorum } = status;
  const members = membersOf(status).map(placeOf);
  return JSON.stringify({ clusterId, epoch, replicas, readQuorum, writeQuorum, members });
}

/** What of a member decides where data lives. */
function placeOf({ name, address, weight, zone }: Member): unknown[] {
  return [name, address, weight, zone];
}

function membersOf(status: StatusView): readonly Member[] {
  return status.members as readonly Member[];
}
