/**
 * Redis clients as CLIENT LIST shows them, and as CLIENT KILL chooses them: the fields of Redis 7.2 in its order. Those that
 * nothing corresponds to here have the value that says so.
 */
import type { RedisSession } from './session.js';

export interface ClientContext {
  readonly nowMs: number;
  /** Where the node listens. */
  readonly localAddress: string;
}

/** One client, with a line feed at the end. */
export function clientLine(session: RedisSession, { nowMs, localAddress }: ClientContext): string {
  const { pendingBytes, unreadBytes } = session;
  const fields: readonly [name: string, value: string | number][] = [
    ['id', session.id],
    ['addr', session.connection.remote],
    ['laddr', localAddress],
    ['fd', -1],
    ['name', session.name],
    ['age', wholeSeconds(nowMs - session.connectedMs)],
    ['idle', wholeSeconds(nowMs - session.lastCommandMs)],
    ['flags', flagsOf(session)],
    ['db', 0],
    ['sub', 0],
    ['psub', 0],
    ['ssub', 0],
    ['multi', -1],
    ['qbuf', pendingBytes],
    ['qbuf-free', 0],
    ['argv-mem', 0],
    ['multi-mem', 0],
    ['rbs', 0],
    ['rbp', 0],
    ['obl', 0],
    ['oll', 0],
    ['omem', unreadBytes],
    ['tot-mem', pendingBytes + unreadBytes],
    ['events', 'r'],
    ['cmd', session.lastCommand],
    ['user', 'default'],
    ['redir', -1],
    ['resp', session.protocol],
    ['lib-name', session.libraryName],
    ['lib-ver', session.libraryVersion],
  ];
  return `${fields.map(([name, value]) => `${name}=${value}`).join(' ')}\n`;
}

function flagsOf({ isNoEvict, isNoTouch }: RedisSession): string {
  const flags = `${isNoEvict ? 'e' : ''}${isNoTouch ? 'T' : ''}`;
  return flags === '' ? 'N' : flags;
}

function wholeSeconds(ms: number): number {
  return Math.floor(ms / 1000);
}

/** What Redis tells clients apart by. Here all are `normal`. */
export type ClientType = 'normal' | 'master' | 'replica' | 'pubsub';

export function clientTypeOf(word: string): ClientType | undefined {
  const name = word.toLowerCase();
  if (name === 'slave') return 'replica';
  return name === 'normal' || name === 'master' || name === 'replica' || name === 'pubsub' ? name : undefined;
}

/** Which clients CLIENT KILL ends: those that all filters hold for. */
export interface KillFilter {
  readonly id?: number;
  readonly type?: ClientType;
  readonly address?: string;
  readonly localAddress?: string;
  /** Only those that have been connected for so long. */
  readonly ageMinSeconds?: number;
  /** Spares the client that asks. */
  readonly skipMe: boolean;
}

export function isChosen(
  session: RedisSession,
  filter: KillFilter,
  me: RedisSession,
  { nowMs, localAddress }: ClientContext,
): boolean {
  if (filter.skipMe && session === me) return false;
  if (filter.id !== undefined && filter.id !== session.id) return false;
  if (filter.type !== undefined && filter.type !== 'normal') return false;
  if (filter.address !== undefined && filter.address !== session.connection.remote) return false;
  if (filter.localAddress !== undefined && filter.localAddress !== localAddress) return false;
  const { ageMinSeconds } = filter;
  return ageMinSeconds === undefined || wholeSeconds(nowMs - session.connectedMs) >= ageMinSeconds;
}
