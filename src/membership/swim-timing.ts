/**
 * The times of the failure detector, as pure functions of how many members there are and how well this node is doing.
 *
 * The protocol is SWIM (Das, Gupta, Motivala 2002); that suspicion shrinks with confirmations, and that a node which
 * does badly itself becomes slower to accuse, is Lifeguard (Dadgar, Phillips, Currey 2017). All times are milliseconds.
 */

/** One member is probed in every such period. Shorter finds failures sooner and costs more messages. */
export const PROBE_INTERVAL_MS = 1000;

/** A probe that is not answered by then is repeated through others. Far above a round trip and a pause for garbage. */
export const PROBE_TIMEOUT_MS = 500;

/** Through how many others a member is probed when it does not answer directly. */
export const INDIRECT_PROBES = 3;

/** A suspicion that nobody shares lasts so many intervals, times log10 of the members. Longer is surer and slower. */
export const SUSPICION_INTERVALS_MAX = 4;

/** A suspicion that enough others share lasts so many: what the member has to hear of it and object. */
export const SUSPICION_INTERVALS_MIN = 1;

/** Further members whose own probes must have failed for the shortest suspicion (K in Lifeguard). */
export const CONFIRMATIONS_MAX = 3;

/** The health multiplier goes from 1, all is well, up to this. */
export const HEALTH_MAX = 8;

/** How often news is passed on while there is any. */
export const GOSSIP_INTERVAL_MS = 200;

/** To how many members it is passed each time. */
export const GOSSIP_FANOUT = 3;

/** λ of SWIM: every node passes a piece of news on λ·log10(n + 1) times, rounded up. */
export const GOSSIP_MULTIPLIER = 4;

/** How often everything is exchanged with one other member, in case that some news has not come through. */
export const PUSH_PULL_INTERVAL_MS = 30_000;

/** When one of our own timers comes later than this, times the health multiplier, the silence of others proves nothing. */
export const LATE_MS_MAX = 250;

/** Of the time that is left after a direct probe, the part in which a helper must say that it got no answer either. */
const NACK_SHARE = 0.8;

/** @param health the multiplier, 1 to {@link HEALTH_MAX}. */
export function probeIntervalMs(health: number): number {
  return PROBE_INTERVAL_MS * health;
}

export function probeTimeoutMs(health: number): number {
  return PROBE_TIMEOUT_MS * health;
}

/** How long a helper waits for the member that it was asked to probe. */
export function nackTimeoutMs(health: number): number {
  return (probeIntervalMs(health) - probeTimeoutMs(health)) * NACK_SHARE;
}

export function lateMsMax(health: number): number {
  return LATE_MS_MAX * health;
}

/** How many others can and should confirm a suspicion: those that are neither the suspect nor the one who suspects. */
export function confirmationsWanted(members: number): number {
  return Math.max(0, Math.min(CONFIRMATIONS_MAX, members - 2));
}

/**
 * How long a suspicion lasts before the member is declared faulty.
 * @param members of the cluster, this node among them.
 * @param confirmations further members that suspect it too.
 */
export function suspicionMs(members: number, confirmations: number): number {
  const max = SUSPICION_INTERVALS_MAX * Math.max(1, Math.log10(members)) * PROBE_INTERVAL_MS;
  const min = SUSPICION_INTERVALS_MIN * PROBE_INTERVAL_MS;
  const wanted = confirmationsWanted(members);
  if (wanted === 0 || confirmations === 0) return max;
  const share = Math.log(confirmations + 1) / Math.log(wanted + 1);
  return Math.max(min, max - (max - min) * share);
}

/** How often one node passes one piece of news on. */
export function transmissionsMax(members: number): number {
  return GOSSIP_MULTIPLIER * Math.ceil(Math.log10(members + 1));
}
