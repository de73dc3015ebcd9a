/** The result of `healing`, as it is printed and saved, and the arithmetic that is common to its parts. */
import type { Environment } from '../result.js';
import type { HealingSettings } from './options.js';

/** Version of the saved form. */
export const HEALING_FORMAT = 1;

/** The cluster when nobody asks anything of it: what every repair is compared with. */
export interface QuietResult {
  readonly seconds: number;
  /** Cores kept busy by all nodes together; null where it is not known. */
  readonly cores: number | null;
  /** Of the machine, over the last minute. */
  readonly loadAverage: number;
  /** Rounds of anti-entropy, and what they moved. */
  readonly rounds: number;
  readonly bytesPerRound: number;
  /** Of each node. */
  readonly rssBytes: readonly number[];
  readonly treeBytes: readonly number[];
}

/** CPU of all nodes (or of one) during a repair. */
export interface CpuResult {
  readonly seconds: number;
  readonly grossUs: number;
  /** What a quiet cluster would have used in the same time. */
  readonly quietUs: number;
  readonly netUs: number;
}

export interface HintsResult {
  readonly quiet: QuietResult;
  readonly hints: number;
  /** Writing them, with one node down: all of the cluster. */
  readonly writing: CpuResult | null;
  /** From the start of the node to its first answer. */
  readonly upAfterS: number;
  /** From its first answer until no hint was left; null when some were left at the limit. */
  readonly drainedAfterS: number | null;
  readonly hintsLeft: number;
  readonly hintsPerSecond: number;
  /** From its first answer on. */
  readonly cpu: CpuResult | null;
  /** What anti-entropy brought meanwhile, instead of hints. */
  readonly keysByAntiEntropy: number;
}

export interface AntiEntropyResult {
  readonly quiet: QuietResult;
  readonly differing: number;
  /** From the first answer of the node on; null when they were not equal at the limit. */
  readonly equalAfterS: number | null;
  /** Until the end of the first exchange that moved keys: a node counts what it has moved when an exchange ends. */
  readonly firstExchangeAfterS: number | null;
  readonly keysMoved: number;
  readonly bytesMoved: number;
  readonly cpu: CpuResult | null;
  /** What a full comparison found afterwards: 0 when they were equal, null when it failed. */
  readonly slotsDifferingAfter: number | null;
  readonly problems: readonly string[];
}

export interface TreesResult {
  readonly quiet: QuietResult;
  /** From the start of the killed node to its first answer. */
  readonly upAfterS: number;
  /** CPU of the node for that, its start and the recovery of its log included. */
  readonly upCpuUs: number | null;
  /** From its first answer until all trees were built; null when some were not at the limit. */
  readonly builtAfterS: number | null;
  readonly recordsRead: number;
  /** Of that node alone. */
  readonly cpu: CpuResult | null;
  readonly treeBytes: number;
  readonly rssBytes: number;
}

export interface HealingResult {
  readonly format: typeof HEALING_FORMAT;
  readonly command: 'healing';
  readonly environment: Environment;
  readonly settings: HealingSettings;
  /** Of the empty cluster, for each node. */
  readonly emptyRssBytes: readonly number[];
  /** Writing all keys; nothing is taken off. */
  readonly loading: CpuResult | null;
  readonly hints: HintsResult;
  readonly antiEntropy: AntiEntropyResult;
  readonly trees: TreesResult;
}

/**
 * @param grossUs CPU between two moments; undefined where it is not known.
 * @param quietCores what it uses when quiet.
 */
export function cpuResult(
  grossUs: number | undefined,
  seconds: number,
  quietCores: number | null,
): CpuResult | null {
  if (grossUs === undefined || quietCores === null) return null;
  const quietUs = quietCores * seconds * 1e6;
  return { seconds, grossUs, quietUs, netUs: grossUs - quietUs };
}
