/**
 * Two ways for a simulated client to reach the cluster: raw frames to one node at a time, with a time-out of its own and
 * another node after a failure; and the client library, which does all that itself.
 */
import { KvError } from '../../src/base/errors.js';
import type { SeededRandom } from '../../src/base/seeded-random.js';
import { type KvClient, openClient } from '../../src/client/kv-client.js';
import { loadKeyHasher } from '../../src/ring/hash.js';
import type { Body } from '../../src/wire/body.js';
import { SCAN } from '../../src/wire/message-type.js';
import { addressOf, type Cluster } from '../support/cluster.js';
import type { Answer, AskOptions, FrameClient, SetOptions } from '../support/frame-client.js';

export interface Port {
  /** For the transcript: what it talks to. */
  readonly where: string;
  get(key: string, options: AskOptions): Promise<Answer>;
  exists(key: string, options: AskOptions): Promise<Answer>;
  set(key: string, value: string, options: SetOptions): Promise<Answer>;
  delete(key: string, options: AskOptions): Promise<Answer>;
  /** All keys with a prefix; undefined when the scan failed. */
  scan(prefix: string, pageSize: number): Promise<string[] | undefined>;
  close(): Promise<void>;
}

/** How much longer than its budget a client waits for an answer. */
const GRACE_MS = 500;
const SCAN_BUDGET_MS = 6000;
const SCAN_TRIES = 4;
const TIMED_OUT: Answer = { kind: 'error', code: 'TIMEOUT', message: 'no answer', definite: false };

export class FramePort implements Port {
  where: string;
  readonly #cluster: Cluster;
  readonly #random: SeededRandom;
  #client: FrameClient;

  constructor(cluster: Cluster, random: SeededRandom, node: string) {
    this.#cluster = cluster;
    this.#random = random;
    this.where = node;
    this.#client = cluster.client(node);
  }

  get(key: string, options: AskOptions): Promise<Answer> {
    return this.#ask((client) => client.get(key, options), options.budgetMs);
  }

  exists(key: string, options: AskOptions): Promise<Answer> {
    return this.#ask((client) => client.exists(key, options), options.budgetMs);
  }

  set(key: string, value: string, options: SetOptions): Promise<Answer> {
    return this.#ask((client) => client.set(key, value, options), options.budgetMs);
  }

  delete(key: string, options: AskOptions): Promise<Answer> {
    return this.#ask((client) => client.delete(key, options), options.budgetMs);
  }

  async scan(prefix: string, limit: number): Promise<string[] | undefined> {
    const keys: string[] = [];
    let cursor: Uint8Array | undefined;
    for (let tries = 0; tries < SCAN_TRIES; ) {
      const page = await this.#page({ prefix: Buffer.from(prefix), cursor, limit });
      if (page === undefined) {
        tries++;
        continue;
      }
      for (const [key] of page.entries as [Uint8Array][]) keys.push(Buffer.from(key!).toString());
      if (page.cursor === null) return keys;
      cursor = page.cursor as Uint8Array;
    }
    return undefined;
  }

  async close(): Promise<void> {
    this.#client.close();
  }

  async #page(body: Body): Promise<Body | undefined> {
    const answer = await this.#ask((client) => client.call(SCAN, body), SCAN_BUDGET_MS);
    return answer.kind === 'result' ? answer.body : undefined;
  }

  async #ask(send: (client: FrameClient) => Promise<Answer>, budgetMs = 0): Promise<Answer> {
    const { clock } = this.#cluster;
    const client = this.#client;
    const answer = await new Promise<Answer>((resolve) => {
      const timer = clock.setTimer(budgetMs + GRACE_MS, () => resolve(TIMED_OUT));
      send(client).then((answer) => {
        clock.clearTimer(timer);
        resolve(answer);
      });
    });
    if (answer.kind === 'error' && isNodesFault(answer.code)) this.#moveOn(client);
    return answer;
  }

  /** This node did not answer: another one may. What is under way at the old one ends as lost. */
  #moveOn(from: FrameClient): void {
    if (this.#client !== from) return;
    from.close();
    const { names } = this.#cluster;
    this.where = names[this.#random.below(names.length)]!;
    this.#client = this.#cluster.client(this.where);
  }
}

function isNodesFault(code: string): boolean {
  return (
    code === 'NOT_A_MEMBER' || code === 'TIMEOUT' || code === 'CONNECTION_LOST' || code === 'CONNECT_FAILED'
  );
}

export class LibraryPort implements Port {
  readonly where = 'library';
  readonly #client: KvClient;

  private constructor(client: KvClient) {
    this.#client = client;
  }

  static async open(cluster: Cluster, random: SeededRandom, host: string): Promise<LibraryPort> {
    const ports = {
      clock: cluster.clock,
      network: cluster.network.host(host),
      random,
      hasher: await loadKeyHasher(),
    };
    return new LibraryPort(await openClient(ports, cluster.names.map(addressOf)));
  }

  get(key: string, options: AskOptions): Promise<Answer> {
    return answered(async () => {
      const entry = await this.#client.getEntry(key, { r: quorumOf(options), timeoutMs: options.budgetMs });
      if (entry === null) return { kind: 'absent' };
      const value = Buffer.from(entry.value).toString();
      return { kind: 'value', value, version: entry.version, expiryMs: entry.expiresAtMs ?? 0 };
    });
  }

  exists(key: string, options: AskOptions): Promise<Answer> {
    return answered(async () => {
      const isThere = await this.#client.exists(key, { r: quorumOf(options), timeoutMs: options.budgetMs });
      return isThere ? { kind: 'value', value: '', version: NONE, expiryMs: 0 } : { kind: 'absent' };
    });
  }

  set(key: string, value: string, options: SetOptions): Promise<Answer> {
    return answered(async () => {
      const { ttlMs, budgetMs } = options;
      const version = await this.#client.set(key, value, {
        w: quorumOf(options),
        timeoutMs: budgetMs,
        ttlMs,
      });
      return { kind: 'done', version, existed: false };
    });
  }

  delete(key: string, options: AskOptions): Promise<Answer> {
    return answered(async () => {
      const existed = await this.#client.delete(key, { w: quorumOf(options), timeoutMs: options.budgetMs });
      return { kind: 'done', version: NONE, existed };
    });
  }

  async scan(prefix: string, pageSize: number): Promise<string[] | undefined> {
    const keys: string[] = [];
    try {
      for await (const { keyText } of this.#client.scan({ prefix, pageSize, timeoutMs: SCAN_BUDGET_MS }))
        keys.push(keyText);
    } catch {
      return undefined;
    }
    return keys;
  }

  close(): Promise<void> {
    return this.#client.close();
  }
}

const NONE = { time: 0, node: 0 };

function quorumOf({ quorum }: AskOptions): number | undefined {
  return quorum === 0 ? undefined : quorum;
}

/** The outcome of the library's call as an answer. Anything but a {@link KvError} is a defect, and goes on. */
async function answered(call: () => Promise<Answer>): Promise<Answer> {
  try {
    return await call();
  } catch (error) {
    if (!(error instanceof KvError)) throw error;
    return { kind: 'error', code: error.code, message: error.message, definite: error.definite };
  }
}
