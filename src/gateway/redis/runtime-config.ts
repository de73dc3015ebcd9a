/**
 * What CONFIG SET can change while a node runs, besides the level of its log. Each node has its own; a restart brings the
 * defaults back, which are those of Redis.
 */
export class RuntimeConfig {
  /** Commands that take at least so many microseconds go to the slow log; 0: all, −1: none. */
  slowLogSlowerThanUs = 10_000;
  /** Entries that the slow log keeps; 0: none. */
  slowLogEntriesMax = 128;
  /** Commands that take at least so many milliseconds are samples of the latency monitor; 0 switches it off. */
  latencyThresholdMs = 0;
}
