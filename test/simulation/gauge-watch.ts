/** Looks once a second how full the tables of every running node are, and says how full the load may make them. */
import { REQUEST_TIMEOUT_MS_MAX } from '../../src/base/limits.js';
import { SLOT_COUNT } from '../../src/ring/slot.js';
import type { Cluster } from '../support/cluster.js';
import type { GaugeSample, Gauges, Growth } from './checkers/growth.js';
import type { History } from './history.js';
import type { SimulationOptions } from './options.js';
import { BATCH_MAX, type Keys } from './workload.js';

const EVERY_MS = 1000;
/** How often a client may have asked for the same while nobody answered. */
const ROUNDS_MAX = 2;
/** Keys and values are short. */
const REQUEST_BYTES_MAX = 100;
const OUTBOX_BYTES_MAX = 64 * 1024;
/** Gossip, probes, comparisons and hints that a link waits for until it is given up. */
const CALLS_OF_LINK_MAX = 40;
/** Of all these, when nothing is wrong. */
const CALLS_MAX = 6;
/** The tick, the sweep of requests, the next sync, a batch on its way, an attempt to reopen the storage. */
const TIMERS_OF_NODE_MAX = 8;

export class GaugeWatch {
  readonly #cluster: Cluster;
  readonly #during: GaugeSample[] = [];
  #before: readonly GaugeSample[] = [];
  #isOn = false;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  /** The load begins now. */
  start(): void {
    this.#before = this.#take(this.#cluster.names);
    this.#isOn = true;
    this.#plan();
  }

  /** The load has gone: everybody must be as before. */
  finish(limits: Gauges): Growth {
    this.#isOn = false;
    return {
      before: this.#before,
      during: this.#during,
      after: this.#take(this.#cluster.names),
      limits,
      slack: slackOf(limits),
    };
  }

  #plan(): void {
    this.#cluster.clock.setTimer(EVERY_MS, () => {
      if (!this.#isOn) return;
      this.#during.push(...this.#take(this.#cluster.names));
      this.#plan();
    });
  }

  #take(names: readonly string[]): GaugeSample[] {
    const atMs = this.#cluster.clock.monotonicMs();
    return names.flatMap((node) => {
      const gauges = this.#cluster.gauges(node);
      return gauges === undefined ? [] : [{ atMs, node, gauges }];
    });
  }
}

/** What the clients of a run can explain. It does not grow with the length of the run: longer ones are stricter. */
export function limitsOf(options: SimulationOptions, keys: Keys, history: History): Gauges {
  const { clients, nodes } = options;
  const perKey = keys.all.length;
  // A client gives up and asks again, elsewhere or there, while a node that stands still has not seen what it asked first.
  const asked = clients * BATCH_MAX * ROUNDS_MAX;
  const recent = history.mostWithin(2 * REQUEST_TIMEOUT_MS_MAX);
  return {
    requestsInFlight: asked + perKey,
    requestBytes: (asked + perKey) * REQUEST_BYTES_MAX,
    rememberedVersions: Math.ceil(recent / 4) + perKey,
    answersWaiting: asked + perKey * nodes,
    commitsQueued: asked + perKey * nodes,
    outboxBytes: nodes * OUTBOX_BYTES_MAX,
    pendingCalls: nodes * (clients + CALLS_OF_LINK_MAX),
    timers: TIMERS_OF_NODE_MAX + nodes,
    slotsWithoutVote: SLOT_COUNT,
    sockets: ROUNDS_MAX * (nodes + clients),
  };
}

/** Requests that a node may have in flight without clients: it settles what has expired, and fetches what is damaged. */
const OWN_REQUESTS_MAX = 5;

/** What comes and goes without clients, and versions, which are forgotten only when others are remembered. */
function slackOf({ rememberedVersions }: Gauges): Gauges {
  return {
    requestsInFlight: OWN_REQUESTS_MAX,
    requestBytes: OWN_REQUESTS_MAX * REQUEST_BYTES_MAX,
    answersWaiting: OWN_REQUESTS_MAX,
    rememberedVersions: rememberedVersions!,
    commitsQueued: 2,
    pendingCalls: CALLS_MAX,
    timers: 3,
  };
}
