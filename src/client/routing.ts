/**
 * Which node a request goes to. Pure decisions over what is known of the nodes.
 *
 * The first replica of the preference list is preferred for reads and writes alike: it has the key in its cache, and
 * when all writes of a key pass through one coordinator, their versions grow there and replicas seldom answer STALE. Load
 * is spread by the ring itself, which gives every node an equal share of first places.
 *
 * Nothing waits for a connection as long as another node is connected: any node can coordinate for any key.
 */

/**
 * - `ready`: connected, and answers.
 * - `suspect`: connected, but has been silent for too long; better than nothing.
 * - `down`: not connected.
 */
export type Standing = 'ready' | 'suspect' | 'down';

/** What routing has to know of a node. */
export interface RouteNode {
  readonly standing: Standing;
  /** The cluster believes that it lives. */
  readonly isLive: boolean;
  /** A connection to it is being opened. */
  readonly isOpening: boolean;
  /** It has fewer connections than it should, and its pause after the last failure is over. */
  canOpen(nowMs: number): boolean;
}

/**
 * The node to send to: the first owner that is ready, else any node that is, going round from `start`; `avoid` only when
 * no other is; suspects only when none is ready. Undefined when nothing is connected.
 */
export function chooseNode<N extends RouteNode>(
  owners: readonly N[],
  others: readonly N[],
  start: number,
  avoid: N | undefined,
): N | undefined {
  return (
    firstOf('ready', owners, 0, avoid) ??
    firstOf('ready', others, start, avoid) ??
    (avoid?.standing === 'ready' ? avoid : undefined) ??
    firstOf('suspect', owners, 0, undefined) ??
    firstOf('suspect', others, start, undefined)
  );
}

/** The owner that is worth connecting to for the sake of later requests, if any. */
export function ownerToOpen<N extends RouteNode>(owners: readonly N[], nowMs: number): N | undefined {
  for (let i = 0; i < owners.length; i++) {
    const owner = owners[i]!;
    if (owner.isLive && owner.canOpen(nowMs)) return owner;
    // One is enough: those after it would not be asked.
    if (owner.isOpening || owner.standing === 'ready') return undefined;
  }
  return undefined;
}

function firstOf<N extends RouteNode>(
  standing: Standing,
  nodes: readonly N[],
  start: number,
  avoid: N | undefined,
): N | undefined {
  const count = nodes.length;
  for (let i = 0; i < count; i++) {
    const node = nodes[(start + i) % count]!;
    if (node.standing === standing && node !== avoid) return node;
  }
  return undefined;
}
