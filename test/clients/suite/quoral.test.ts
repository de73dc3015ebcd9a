/** What Redis does not have: quorums of a connection and of a command, who keeps a key, and the status of a node. */
import t from 'tap';
import { RealCluster } from '../../support/real-cluster.js';
import { RespClient } from '../resp-client.js';
import { show } from '../resp-reply.js';
import { type Case, fieldsOf, itemsOf, openAs, PROTOCOLS, runCases, type Server, textOf } from './tables.js';

const ONLY_HERE = 'QUORAL is no command of Redis';
const SYNTAX = '-ERR syntax error';
const NO_QUORUM =
  /^-ERR a quorum is a number of replicas from 1 to \d+, or 0 for the default of the cluster$/;

const CASES: readonly Case[] = [
  {
    name: 'QUORAL LEVEL belongs to the connection',
    onlyHere: ONLY_HERE,
    steps: [
      ['QUORAL LEVEL', '[:0, :0]'],
      ['QUORAL LEVEL 1 3', '+OK'],
      ['quoral level', '[:1, :3]'],
      ['SET k v', '+OK'],
      ['GET k', '"v"'],
      ['MGET k k', '["v", "v"]'],
      ['QUORAL LEVEL 1', SYNTAX],
      ['QUORAL LEVEL 1 2 3', SYNTAX],
      ['QUORAL LEVEL x 1', NO_QUORUM],
      ['QUORAL LEVEL 1 -1', NO_QUORUM],
      ['QUORAL LEVEL 1 99', NO_QUORUM],
      ['QUORAL LEVEL', '[:1, :3]'],
      ['RESET', '+RESET'],
      ['QUORAL LEVEL', '[:0, :0]'],
    ],
  },
  {
    name: 'QUORAL GET and SET',
    onlyHere: ONLY_HERE,
    steps: [
      ['QUORAL GET k R 1', '$-1', '_'],
      ['QUORAL SET k v W 3', '+OK'],
      ['QUORAL GET k R 3', '"v"'],
      ['GET k', '"v"'],
      ['QUORAL SET k w EX 1000 W 2', '+OK'],
      ['TTL k', /^:(1000|9\d\d)$/],
      ['QUORAL SET k w PXAT 4000000000123 w 0', '+OK'],
      ['PEXPIRETIME k', ':4000000000123'],
      ['QUORAL SET k x', "-ERR wrong number of arguments for 'quoral|set' command"],
      ['QUORAL SET k x Y 1', SYNTAX],
      ['QUORAL SET k x FOO 1 W 1', SYNTAX],
      ['QUORAL SET k x W x', NO_QUORUM],
      ['QUORAL GET k W 1', SYNTAX],
      ['QUORAL GET k R -1', NO_QUORUM],
      ['QUORAL GET k', "-ERR wrong number of arguments for 'quoral|get' command"],
      ['GET k', '"w"'],
    ],
  },
  {
    name: 'the words of QUORAL',
    onlyHere: ONLY_HERE,
    steps: [
      ['QUORAL', "-ERR wrong number of arguments for 'quoral' command"],
      ['QUORAL FOO', "-ERR unknown subcommand 'FOO'. Try QUORAL HELP."],
      ['QUORAL HELP', /^\[\+QUORAL <subcommand> .*\+STATUS/],
      [['QUORAL', 'OWNERS', ''], /^-ERR a key has 1 to 8192 bytes/],
      ['COMMAND GETKEYS QUORAL SET k v W 1', '["k"]'],
      ['COMMAND GETKEYS QUORAL OWNERS k', '["k"]'],
      ['COMMAND INFO quoral|get', /^\[\["quoral\|get", :5, /],
    ],
  },
];

t.test('QUORAL', async (t) => {
  const cluster = await RealCluster.start(t, 3);
  const { addresses } = cluster;
  const server: Server = {
    isRedis: false,
    addresses,
    cluster,
    restart: (index) => cluster.restart(cluster.nodes[index]!.name),
    ended: () => Promise.resolve(),
  };
  await runCases(t, server, CASES, { ownConnection: true });

  await t.test('OWNERS names the replicas, alike on every node', async (t) => {
    for (const protocol of PROTOCOLS) {
      const shown: string[] = [];
      for (const address of addresses) {
        const client = await openAs(t, address, protocol);
        shown.push(show(await client.command('QUORAL', 'OWNERS', 'a key')));
      }
      for (const { name, address } of cluster.nodes)
        t.match(shown[0], new RegExp(`"${name}".*"${address}"|"${address}".*"${name}"`), name);
      t.match(shown[0], protocol === 3 ? /^\{/ : /^\[/);
    }
  });

  await t.test('STATUS is a map', async (t) => {
    for (const [i, address] of addresses.entries()) {
      const client = await openAs(t, address, 3);
      const status = fieldsOf(await client.command('QUORAL', 'STATUS'));
      t.equal(textOf(status.get('name')!), cluster.nodes[i]!.name);
      t.equal(itemsOf(status.get('members')!).length, 3);
    }
  });

  await t.test('with nodes away, what asks for fewer replicas still works', async (t) => {
    const client = await RespClient.open(t, addresses[0]!);
    t.equal(show(await client.command('SET', 'k', 'v')), '+OK');
    await cluster.kill('n2', 'n3');
    await cluster.see(['n1'], ['n1']);
    t.match(show(await client.command('GET', 'k')), /^-QUORUM_[A-Z]+ /);
    t.match(show(await client.command('SET', 'k', 'w')), /^-QUORUM_[A-Z]+ /);
    t.match(show(await client.command('QUORAL', 'GET', 'k', 'R', '1')), /^"[vw]"$/);
    t.equal(show(await client.command('QUORAL', 'SET', 'k', 'x', 'W', '1')), '+OK');
    t.equal(show(await client.command('QUORAL', 'LEVEL', '1', '1')), '+OK');
    t.equal(show(await client.command('GET', 'k')), '"x"');
    t.equal(show(await client.command('SET', 'k', 'y')), '+OK');
    await cluster.restart('n2', 'n3');
    await cluster.agree();
    for (const address of addresses) {
      const after = await RespClient.open(t, address);
      await after.command('QUORAL', 'LEVEL', '3', '0');
      t.equal(show(await after.command('GET', 'k')), '"y"', 'which all have afterwards');
    }
  });
});
