/**
 * What the commands that watch repairs read of a node's STATUS: where it stands, what it keeps for others, and what its
 * anti-entropy has done. A field that is missing counts as nothing.
 */
import type { Address } from '../src/ports/network.js';
import { arrayField, type Body, mapField, stringField } from '../src/wire/body.js';
import { STATUS } from '../src/wire/message-type.js';
import { ControlConnection } from './control-connection.js';
import { type Shell, sleep } from './shell.js';

const POLL_MS = 100;

export interface NodeState {
  /** `serving` when all is well; empty when the node gives no answer. */
  readonly state: string;
  /** Members that it believes alive, itself included. */
  readonly live: number;
  /** Hints that it keeps, and that it has sent since it was started. */
  readonly hints: number;
  readonly hintsReplayed: number;
  readonly rssBytes: number;
  readonly antiEntropy: AntiEntropyState;
}

export interface AntiEntropyState {
  /** Since the start of the node, of those that it began itself. */
  readonly rounds: number;
  readonly keysMoved: number;
  readonly bytes: number;
  readonly slotsDivergent: number;
  readonly slotsUnbuilt: number;
  readonly treeBytes: number;
  /** Records read to build trees. */
  readonly recordsRead: number;
  /** The last round: when (ms since 1970), with whom, and how many slots differed. */
  readonly lastRoundAt: number;
  readonly lastPeer: string;
  readonly lastSlotsDiffering: number;
}

export function parseState(body: Body): NodeState {
  const hints = mapField(body, 'hints');
  const members = arrayField(body, 'members') ?? [];
  return {
    state: stringField(body, 'state') ?? '',
    live: members.filter((member) => ['alive', 'self'].includes(memberState(member))).length,
    hints: countOf(hints, 'hints'),
    hintsReplayed: countOf(hints, 'replayed'),
    rssBytes: countOf(mapField(body, 'memory'), 'rssBytes'),
    antiEntropy: parseAntiEntropy(mapField(body, 'antiEntropy') ?? {}),
  };
}

function parseAntiEntropy(body: Body): AntiEntropyState {
  const totals = mapField(body, 'totals');
  const slots = mapField(body, 'slots');
  const trees = mapField(body, 'trees');
  const lastRound = mapField(body, 'lastRound');
  return {
    rounds: countOf(totals, 'rounds'),
    keysMoved: countOf(totals, 'keysFetched') + countOf(totals, 'keysSent'),
    bytes: countOf(totals, 'bytes'),
    slotsDivergent: countOf(slots, 'divergent'),
    slotsUnbuilt: countOf(slots, 'unbuilt'),
    treeBytes: countOf(trees, 'bytes'),
    recordsRead: countOf(trees, 'recordsRead'),
    lastRoundAt: countOf(lastRound, 'at'),
    lastPeer: (lastRound && stringField(lastRound, 'peer')) ?? '',
    lastSlotsDiffering: countOf(lastRound, 'slotsDiffering'),
  };
}

/** What a node says; undefined when it does not answer. */
export async function fetchState(address: Address, shell: Shell): Promise<NodeState | undefined> {
  let control: ControlConnection | undefined;
  try {
    control = await ControlConnection.open(address, shell);
    return parseState(await control.request(STATUS));
  } catch {
    return undefined; // It is down, or joining: to whoever watches that is an answer.
  } finally {
    control?.close();
  }
}

/** Waits until a node answers as a member, at most `limitMs`; false when it does not. */
export async function untilAnswers(address: Address, shell: Shell, limitMs: number): Promise<boolean> {
  const deadlineMs = shell.clock.monotonicMs() + limitMs;
  for (;;) {
    const state = (await fetchState(address, shell))?.state ?? '';
    if (state === 'serving' || state === 'syncing') return true;
    if (shell.clock.monotonicMs() > deadlineMs) return false;
    await sleep(shell.clock, POLL_MS);
  }
}

/** Why a cluster of these nodes is not whole again; undefined when it is: all serve, see each other, keep no hints. */
export function wholeProblem(
  names: readonly string[],
  states: readonly (NodeState | undefined)[],
): string | undefined {
  for (const [i, name] of names.entries()) {
    const state = states[i];
    if (state === undefined) return `${name} does not answer`;
    if (state.state !== 'serving') return `${name} is ${state.state}`;
    if (state.live < names.length) return `${name} sees ${state.live} of ${names.length} alive`;
    if (state.hints > 0) return `${name} keeps ${state.hints} hints`;
  }
  return undefined;
}

function memberState(member: unknown): string {
  const body = mapField({ member }, 'member');
  return (body && stringField(body, 'state')) ?? '';
}

function countOf(body: Body | undefined, name: string): number {
  const value = body?.[name];
  return typeof value === 'number' && Number.isFinite(value) ? value : 0;
}
