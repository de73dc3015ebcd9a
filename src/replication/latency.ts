/** What replicas' answer times tell: whom to ask first, and how long to wait before asking another one too. */
import type { ReplicaPeer } from './peer.js';

/** Weight of a new observation in the smoothed latency. */
const SMOOTHING = 0.1;

/** A read is hedged after this many times the usual latency of the slowest replica asked … */
const HEDGE_FACTOR = 8;
/** … but not before the load of a busy event loop, and not later than a person notices. */
const HEDGE_MS_MIN = 20;
const HEDGE_MS_MAX = 250;

/** Takes an answer time of a peer into account. */
export function observeLatency(peer: ReplicaPeer, milliseconds: number): void {
  peer.latencyMs += (milliseconds - peer.latencyMs) * SMOOTHING;
}

/** How long to wait for this peer before a further replica is asked, in milliseconds. */
export function hedgeDelayMs(peer: ReplicaPeer): number {
  return Math.min(HEDGE_MS_MAX, Math.max(HEDGE_MS_MIN, peer.latencyMs * HEDGE_FACTOR));
}
