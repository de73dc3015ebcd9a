/**
 * The text of INFO: sections of `name:value` lines. The names of Redis where they say something true of this store, since
 * tools look for them; names of our own for the rest. What Redis has and this store has not is left out.
 */
import { type Body, integerField, mapField, stringField } from '../../wire/body.js';
import type { KeyCount, RedisHost } from './host.js';
import { REDIS_VERSION, SERVER_NAME, versionOf } from './redis-version.js';
import type { CommandCounts } from './statistics.js';

const SECONDS_OF_DAY = 86_400;
const MICROSECONDS = 1_000_000;

type Field = readonly [name: string, value: string | number | boolean];

interface InfoInput {
  readonly host: RedisHost;
  readonly status: Body;
  /** Undefined: not known. */
  readonly keyCount: KeyCount | undefined;
}

interface Section {
  readonly title: string;
  /** Shown when no section is named. */
  readonly isDefault: boolean;
  readonly fields: (input: InfoInput) => readonly Field[];
}

/** In the order in which they are shown. */
const SECTIONS: readonly Section[] = [
  { title: 'Server', isDefault: true, fields: serverFields },
  { title: 'Clients', isDefault: true, fields: clientFields },
  { title: 'Memory', isDefault: true, fields: memoryFields },
  { title: 'Persistence', isDefault: true, fields: persistenceFields },
  { title: 'Stats', isDefault: true, fields: statsFields },
  { title: 'Replication', isDefault: true, fields: replicationFields },
  { title: 'CPU', isDefault: true, fields: cpuFields },
  { title: 'Modules', isDefault: true, fields: () => [] },
  { title: 'Commandstats', isDefault: false, fields: commandFields },
  { title: 'Errorstats', isDefault: true, fields: errorFields },
  { title: 'Latencystats', isDefault: false, fields: latencyFields },
  { title: 'Cluster', isDefault: true, fields: () => [['cluster_enabled', 0]] },
  { title: 'Keyspace', isDefault: true, fields: keyspaceFields },
];

const KEYSPACE = 'keyspace';

/** The names of the sections that are asked for, in any case; none: those of the default. What is not known is left out. */
export function infoSections(names: readonly string[]): ReadonlySet<string> {
  const wanted = names.length === 0 ? ['default'] : names.map((name) => name.toLowerCase());
  const isAll = wanted.includes('all') || wanted.includes('everything');
  const chosen = SECTIONS.filter(
    ({ title, isDefault }) =>
      isAll || (isDefault && wanted.includes('default')) || wanted.includes(title.toLowerCase()),
  );
  return new Set(chosen.map(({ title }) => title.toLowerCase()));
}

/** Whether the keys have to be counted for these sections. */
export function needsKeyCount(sections: ReadonlySet<string>): boolean {
  return sections.has(KEYSPACE);
}

/** @param sections as {@link infoSections} gives them. */
export function infoText(
  host: RedisHost,
  sections: ReadonlySet<string>,
  keyCount: KeyCount | undefined,
): string {
  const input = { host, status: host.status(), keyCount };
  return SECTIONS.filter(({ title }) => sections.has(title.toLowerCase()))
    .map(({ title, fields }) => {
      const lines = fields(input).map(([name, value]) => `${name}:${shown(value)}\r\n`);
      return `# ${title}\r\n${lines.join('')}`;
    })
    .join('\r\n');
}

function serverFields({ host, status }: InfoInput): Field[] {
  const address = host.address();
  const uptimeSeconds = Math.floor((host.clock.monotonicMs() - host.startedMs) / 1000);
  return [
    ['redis_version', REDIS_VERSION],
    ['redis_mode', 'standalone'],
    ['server_name', SERVER_NAME],
    [`${SERVER_NAME}_version`, versionOf(host.software)],
    ['node_name', host.name],
    ['node_state', stringField(status, 'state') ?? 'unknown'],
    ['run_id', host.runId],
    ['listen_address', address],
    ['tcp_port', address.slice(address.lastIndexOf(':') + 1)],
    ['server_time_usec', Math.floor(host.clock.wallMs() * 1000)],
    ['uptime_in_seconds', uptimeSeconds],
    ['uptime_in_days', Math.floor(uptimeSeconds / SECONDS_OF_DAY)],
  ];
}

function clientFields({ host, status }: InfoInput): Field[] {
  return [
    ['connected_clients', host.clients.count],
    ['blocked_clients', 0],
    ['tracking_clients', 0],
    ...flat('connections', mapField(status, 'connections')),
  ];
}

/** The process as a whole: what the engine, the caches and the requests hold is not told apart. */
function memoryFields({ host, status }: InfoInput): Field[] {
  const { rssBytes } = host.usage();
  const storage = mapField(status, 'storage') ?? {};
  return [
    ['used_memory', rssBytes],
    ['used_memory_human', human(rssBytes)],
    ['used_memory_rss', rssBytes],
    ['used_memory_rss_human', human(rssBytes)],
    ['maxmemory', 0],
    ['maxmemory_human', human(0)],
    ['maxmemory_policy', 'noeviction'],
    ['record_cache_limit_bytes', host.cacheBytes],
    ['record_cache_records', integerField(storage, 'cacheRecords', 0, Number.MAX_SAFE_INTEGER) ?? 0],
  ];
}

/**
 * A node that is in no cluster yet answers nothing, so it is `loading`: clients that look for this wait, and ask again. The
 * storage engine's log is what an append-only file is to Redis.
 */
function persistenceFields({ host, status }: InfoInput): Field[] {
  const storage = mapField(status, 'storage') ?? {};
  const isJoining = stringField(status, 'state') === 'joining';
  return [
    ['loading', isJoining ? 1 : 0],
    ...(isJoining ? ([['loading_eta_seconds', 1]] satisfies Field[]) : []),
    ['async_loading', 0],
    ['rdb_bgsave_in_progress', 0],
    ['aof_enabled', isOnDisk(host) ? 1 : 0],
    ['aof_rewrite_in_progress', 0],
    ['aof_last_write_status', stringField(storage, 'state') === 'failed' ? 'err' : 'ok'],
    ...flat('storage', storage),
  ];
}

/** Whether records are written to a disk. */
export function isOnDisk({ storage }: Pick<RedisHost, 'storage'>): boolean {
  return storage !== 'memory';
}

function statsFields({ host, status }: InfoInput): Field[] {
  const { statistics, clients, clock } = host;
  return [
    ['total_connections_received', clients.received],
    ['total_commands_processed', statistics.commandsProcessed],
    ['instantaneous_ops_per_sec', statistics.commandsPerSecond(clock.monotonicMs())],
    ['total_net_input_bytes', statistics.inputBytes],
    ['rejected_connections', 0],
    ['evicted_keys', 0],
    ['pubsub_channels', 0],
    ['pubsub_patterns', 0],
    ['total_error_replies', statistics.errorReplies],
    ...flat('requests', mapField(status, 'requests')),
  ];
}

/** `role` and `connected_slaves` are for clients that look for a server that takes writes: every node does. */
function replicationFields({ status }: InfoInput): Field[] {
  const members = Array.isArray(status.members) ? (status.members as readonly Body[]) : [];
  const alive = members.filter(({ state }) => state === 'alive' || state === 'self');
  return [
    ['role', 'master'],
    ['connected_slaves', 0],
    ...flat('', pick(status, ['clusterId', 'epoch', 'replicas', 'readQuorum', 'writeQuorum'])),
    ...flat('', pick(status, ['effectiveReplicas', 'underReplicated', 'health'])),
    ['members', members.length],
    ['members_alive', alive.length],
    ...members.map((member, i): Field => [`member${i}`, inner(member)]),
    ...flat('hints', mapField(status, 'hints')),
    ...flat('anti_entropy', mapField(status, 'antiEntropy')),
    ...flat('sync', mapField(status, 'sync')),
    ...flat('tombstones', mapField(status, 'tombstones')),
  ];
}

function cpuFields({ host }: InfoInput): Field[] {
  const { systemUs, userUs } = host.usage();
  return [
    ['used_cpu_sys', (systemUs / MICROSECONDS).toFixed(6)],
    ['used_cpu_user', (userUs / MICROSECONDS).toFixed(6)],
  ];
}

function commandFields({ host }: InfoInput): Field[] {
  return byName(host.statistics.commands).map(([name, { calls, elapsedMs, rejected, failed }]) => {
    const us = Math.round(elapsedMs * 1000);
    const each = (calls === 0 ? 0 : us / calls).toFixed(2);
    return [
      `cmdstat_${name}`,
      `calls=${calls},usec=${us},usec_per_call=${each},rejected_calls=${rejected},failed_calls=${failed}`,
    ];
  });
}

function errorFields({ host }: InfoInput): Field[] {
  return byName(host.statistics.errors).map(([code, count]) => [`errorstat_${code}`, `count=${count}`]);
}

function latencyFields({ host }: InfoInput): Field[] {
  return byName(host.statistics.commands)
    .filter(([, { calls }]) => calls > 0)
    .map(([name, counts]) => [`latency_percentiles_usec_${name}`, percentiles(counts)]);
}

function percentiles({ latency }: CommandCounts): string {
  return [50, 99, 99.9].map((percent) => `p${percent}=${latency.percentileUs(percent).toFixed(3)}`).join(',');
}

/** Without keys there is no line, as in Redis. */
function keyspaceFields({ keyCount }: InfoInput): Field[] {
  if (keyCount === undefined || keyCount.keys === 0) return [];
  return [['db0', `keys=${keyCount.keys},expires=${keyCount.expiring},avg_ttl=0`]];
}

function byName<T>(entries: ReadonlyMap<string, T>): [string, T][] {
  return [...entries].sort(([a], [b]) => (a < b ? -1 : 1));
}

function pick(body: Body, names: readonly string[]): Body {
  return Object.fromEntries(names.map((name) => [name, body[name]]));
}

/** The fields of a part of the status, with names as `hints_dropped`; those of parts within it follow its own name. */
function flat(prefix: string, body: Body | undefined): Field[] {
  return Object.entries(body ?? {}).flatMap(([key, value]): Field[] => {
    const name = joined(prefix, snakeCase(key));
    if (value === undefined) return [];
    if (Array.isArray(value)) return value.map((item, i): Field => [`${name}${i}`, inner(item)]);
    if (typeof value === 'object' && value !== null) return flat(name, value as Body);
    return [[name, scalar(value)]];
  });
}

/** The number of hints is `hints`, not `hints_hints`. */
function joined(prefix: string, name: string): string {
  return prefix === '' || prefix === name ? name : `${prefix}_${name}`;
}

/** A map within one line, as `name=n1,state=alive`. */
function inner(value: unknown): string {
  if (typeof value !== 'object' || value === null) return shown(scalar(value));
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  return fields
    .map(([key, field]) => `${snakeCase(key)}=${shown(scalar(field)).replace(/,/g, ';')}`)
    .join(',');
}

function scalar(value: unknown): string | number | boolean {
  if (typeof value === 'number' || typeof value === 'boolean') return value;
  return value === null || value === undefined ? '' : String(value);
}

/** A value must not end its line. */
function shown(value: string | number | boolean): string {
  if (typeof value === 'boolean') return value ? '1' : '0';
  return String(value).replace(/[\r\n]/g, ' ');
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** As Redis shows sizes. */
function human(bytes: number): string {
  if (bytes < 1024) return `${bytes}B`;
  const power = Math.min(5, Math.floor(Math.log2(bytes) / 10));
  return `${(bytes / 1024 ** power).toFixed(2)}${'BKMGTP'[power]}`;
}
