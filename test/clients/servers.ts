/**
 * What the client tests talk to: a cluster of three real nodes, or Redis itself. With `QUORAL_CLIENTS_AGAINST=redis-server`
 * the same tests run against Redis, which shows that it is the tests that are right where a node differs.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import { freePorts, HOST } from '../process/ports.js';
import { until } from '../process/program.js';
import { RealCluster } from '../support/real-cluster.js';
import { RespClient } from './resp-client.js';
import { show } from './resp-reply.js';
import { Tool } from './tools.js';

const START_ATTEMPTS = 5;

/** Some servers that hold one key space, and can be killed and started again on their data. */
export interface Servers {
  /** `host:port` of each. */
  readonly addresses: readonly string[];
  /** kill -9 of the server at this place in `addresses`. */
  kill(index: number): Promise<void>;
  /** Starts it again. Resolves when it answers. */
  restart(index: number): Promise<void>;
}

export const IS_AGAINST_REDIS = process.env.QUORAL_CLIENTS_AGAINST === 'redis-server';

/** What this run is about: three nodes, unless the environment names Redis. */
export async function startServers(t: Test): Promise<Servers> {
  return IS_AGAINST_REDIS ? startRedis(t) : startNodes(t);
}

export async function startNodes(t: Test): Promise<Servers> {
  const cluster = await RealCluster.start(t, 3);
  const nameOf = (index: number) => cluster.nodes[index]!.name;
  return {
    addresses: cluster.addresses,
    kill: (index) => cluster.kill(nameOf(index)),
    restart: async (index) => {
      await cluster.restart(nameOf(index));
      await cluster.agree();
    },
  };
}

/**
 * One `redis-server` on a free port of this machine, with what our nodes offer too: one database, and DEBUG. Nothing that
 * it acknowledged is lost by kill -9.
 */
export async function startRedis(t: Test): Promise<Servers> {
  const directory = await mkdtemp(join(tmpdir(), 'quoral-redis-'));
  t.teardown(() => rm(directory, { recursive: true, force: true }));
  const [port] = await freePorts(1);
  let tool = await startOne(t, directory, port!);
  return {
    addresses: [`${HOST}:${port}`],
    kill: () => tool.end(),
    restart: async () => {
      tool = await startOne(t, directory, port!);
    },
  };
}

async function startOne(t: Test, directory: string, port: number): Promise<Tool> {
  const args = ['--bind', HOST, '--port', `${port}`, '--dir', directory, '--save', '', '--databases', '1'];
  args.push('--appendonly', 'yes', '--appendfsync', 'no', '--enable-debug-command', 'yes');
  for (let attempt = 1; ; attempt++) {
    const tool = new Tool(t, 'redis-server', args);
    try {
      await tool.says(/Ready to accept connections/);
      await answers(`${HOST}:${port}`);
      return tool;
    } catch (error) {
      await tool.end();
      if (attempt === START_ATTEMPTS) throw error;
    }
  }
}

async function answers(address: string): Promise<void> {
  await until(`${address} answers`, async () => {
    const client = await RespClient.connect(address);
    const reply = show(await client.command('PING'));
    client.close();
    return reply === '+PONG';
  });
}
