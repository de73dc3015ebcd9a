/** How a cluster of real processes is founded, joined and entered again, and what a node that may not enter is told. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { connect, type Member, type StatusView } from '../../src/client/index.js';
import { type NodeSpec, RealCluster } from '../support/real-cluster.js';
import { close, freePorts, HOST, listen } from './ports.js';
import { run, until } from './program.js';

t.test('a founder serves alone, says that it does, and a second node joins it', async (t) => {
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

t.test('four nodes that join at one moment by different members all become members', async (t) => {
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

t.test('nobody joins a cluster that holds records', async (t) => {
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

t.test('a member that is started again under its name and on its data takes its place', async (t) => {
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

t.test('a data directory under another name, and a name with another directory, are refused', async (t) => {
  const cluster = await RealCluster.start(t, 3);
  const client = await cluster.client();
  await client.set('key', 'value', { w: 3 });
  const { address, data } = cluster.node('n3');
  const seeds = [cluster.addresses[0]!];

  const inUse = await refusalOf(t, cluster, { name: 'n3', data, join: seeds });
  t.match(inUse, 'another process', 'a second process on one directory');
  t.match(inUse, data, 'is told which');

  await cluster.kill('n3');
  const renamed = await refusalOf(t, cluster, { name: 'n9', address, data, join: seeds });
  t.match(renamed, /^kvd: n9 cannot start: NOT_A_MEMBER: .*belongs to node n3, not n9/);
  const elsewhere = await refusalOf(t, cluster, { name: 'n3', data, join: seeds });
  t.match(elsewhere, new RegExp(`^kvd: n3 cannot start: NOT_A_MEMBER: .*${address}`), 'nor may it move');

  const lost = join(cluster.directory, 'lost');
  await mkdir(lost);
  const emptied = await refusalOf(t, cluster, { name: 'n3', address, data: lost, join: seeds });
  t.match(emptied, /^kvd: n3 cannot start: JOIN_REFUSED: .*n3 exists.*disk was lost/);

  await (await cluster.add({ name: 'n3', address, data })).up();
  await cluster.agree();
  t.equal(await client.get('key', { r: 3 }), 'value', 'with the right name and data it is back');
});

t.test(
  'a node that lost its disk and founds a cluster of its own does not speak for the old one',
  async (t) => {
    const cluster = await RealCluster.start(t, 3);
    const client = await cluster.client();
    const keys = Array.from({ length: 200 }, (_, i) => `key:${i}`);
    await client.setMany(
      keys.map((key): [string, string] => [key, 'value']),
      { w: 3 },
    );
    const { address } = cluster.node('n3');
    await cluster.kill('n3');
    // Without --join, it makes a new cluster at an address of the old one, whose members go on dialling it.
    await (await cluster.add({ name: 'n3', address, data: join(cluster.directory, 'lost') })).up();
    await client.setMany(keys.map((key): [string, string] => [key, 'newer']));
    t.same(
      new Set(await client.getMany(keys)),
      new Set(['newer']),
      'the two others are a majority without it',
    );
    const stranger = await connect(address);
    t.teardown(() => stranger.close());
    t.equal(await stranger.get(keys[0]!), null, 'it has none of their records');
    // Its redial is due within seconds.
    await until('n1 and n2 say why they do not take it for n3', async () => {
      const views = await Promise.all([cluster.status('n1'), cluster.status('n2')]);
      return views.every((view) => /another (cluster|identity)/.test(JSON.stringify(view.members)));
    });
    await cluster.see(['n1', 'n2'], ['n1', 'n2']);
  },
);

t.test('a node waits for a seed that is not there yet', async (t) => {
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

t.test('while it waits for a seed, a node tells its clients so', async (t) => {
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

t.test('what is wrong with a command line is said in one line, with exit code 1', async (t) => {
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
  const members = membersOf(status).map(({ name, address, weight, zone }) => [name, address, weight, zone]);
  return JSON.stringify({ clusterId, epoch, replicas, readQuorum, writeQuorum, members });
}

function membersOf(status: StatusView): readonly Member[] {
  return status.members as readonly Member[];
}
