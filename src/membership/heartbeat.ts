/**
 * Whether the other side of a link still answers, from its heartbeats: a value with the times that matter, and the
 * decision as a pure function. It says whether a request may go over this link now; whether the member lives is for all
 * of them together to find out, in `failure-detector.ts`.
 */

/** How often a heartbeat is sent on every link, in milliseconds. */
export const HEARTBEAT_INTERVAL_MS = 500;

/** Without a word for so long, a peer is passed over. Longer than a pause for garbage or a slow disk. */
export const SILENCE_SUSPECT_MS = 2000;

/** Without a word for so long, the connection is given up and made anew. */
export const SILENCE_LOST_MS = 6000;

/** When our own timer comes later than this, the silence may be ours: nobody is judged on that round. */
export const OWN_LAG_MS_MAX = 500;

export type Liveliness = 'alive' | 'silent' | 'lost';

/**
 * @param silentMs since the peer was last heard.
 * @param ownLagMs how late our own timer came.
 * @param before what was decided last time.
 */
export function judge(silentMs: number, ownLagMs: number, before: Liveliness): Liveliness {
  if (ownLagMs > OWN_LAG_MS_MAX) return before;
  if (silentMs >= SILENCE_LOST_MS) return 'lost';
  return silentMs >= SILENCE_SUSPECT_MS ? 'silent' : 'alive';
}

/** Milliseconds until a lost link is tried again: doubling with jitter, so that peers do not come back in step. */
export function reconnectDelayMs(attempt: number, random: number): number {
  const full = Math.min(RECONNECT_MS_MAX, RECONNECT_MS_MIN * 2 ** Math.min(attempt, 16));
  return full * (0.5 + random / 2);
}

const RECONNECT_MS_MIN = 50;
const RECONNECT_MS_MAX = 1000;
