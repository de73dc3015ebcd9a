/**
 * CPU time of node processes from the system's books (`/proc`), not from their own word: a node that stands still gives no
 * status, and one that was killed takes its count along. What has ended is counted as this process's children.
 */
import { readFileSync } from 'node:fs';

/** The kernel counts in ticks of 10 ms towards programs, whatever its own clock. */
const US_PER_TICK = 10_000;

/** What one line of `/proc/PID/stat` says, in ticks. */
export interface CpuTicks {
  readonly own: number;
  /** Of children that have ended and were waited for, their own included. */
  readonly endedChildren: number;
}

/** Undefined when the line is none. */
export function parseStat(line: string): CpuTicks | undefined {
  // The second field is the program's name in parentheses, and may hold anything.
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
  const [user, system, childUser, childSystem] = fields.slice(11, 15).map(Number);
  if (user === undefined || system === undefined || childUser === undefined || childSystem === undefined)
    return undefined;
  const ticks = { own: user + system, endedChildren: childUser + childSystem };
  return Number.isFinite(ticks.own + ticks.endedChildren) ? ticks : undefined;
}

/** CPU time of one process so far, in microseconds; undefined where there is no `/proc`, or no such process. */
export function processCpuUs(pid: number): number | undefined {
  const ticks = read(pid);
  return ticks && ticks.own * US_PER_TICK;
}

/** CPU time of all nodes so far, in microseconds: of those that run, by their ids, and of all that have ended. */
export function serverCpuUs(pids: readonly number[]): number | undefined {
  const self = read('self');
  if (self === undefined) return undefined;
  let sum = self.endedChildren;
  for (const pid of pids) sum += read(pid)?.own ?? 0;
  return sum * US_PER_TICK;
}

function read(pid: number | 'self'): CpuTicks | undefined {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return undefined; // Another system, or it has ended.
  }
}
