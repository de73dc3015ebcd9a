/**
 * The messages that FORMAT.md shows, made with the writers that the programs use. The document has one block for each,
 * under the same title; its first word is the type's name.
 */
import { viewOf } from '../../src/base/bytes.js';
import {
  packGroups,
  packKeyedRecords,
  packKeys,
  packLeaves,
  packRecords,
  packSlots,
  packVersions,
} from '../../src/replication/anti-entropy/packed.js';
import type { Slot } from '../../src/ring/slot.js';
import { SlotTrees } from '../../src/storage/slot-trees.js';
import { encodeRecord } from '../../src/version/record.js';
import { packTime } from '../../src/version/version.js';
import { writeBody } from '../../src/wire/body.js';
import {
  writeAbsent,
  writeDelete,
  writeDone,
  writeGet,
  writeSet,
  writeValue,
} from '../../src/wire/client-messages.js';
import { writeError } from '../../src/wire/error-message.js';
import * as type from '../../src/wire/message-type.js';
import type { Outbox } from '../../src/wire/outbox.js';
import {
  writeApplied,
  writePing,
  writeReadRecord,
  writeReadSame,
  writeReadVersion,
  writeReplicaApply,
  writeReplicaRead,
  writeStale,
  writeUnsure,
} from '../../src/wire/replica-messages.js';
import { VIRTUAL_START_MS } from '../support/virtual-clock.js';

const text = (value: string) => new TextEncoder().encode(value);

export const KEY = text('user:7');
/** The halves of the key's xxhash64. */
export const HASH_HI = 0x2679338e;
export const HASH_LO = 0x453be04f;

const ID = 7;
const NODE = 0x1a2b3c4e;
/** The first version of 2026-01-01, and the clock of a node a moment later. */
const TIME = packTime(VIRTUAL_START_MS, 1);
const CLOCK = packTime(VIRTUAL_START_MS + 5);
const EPOCH = 3;
const PREFIX = { clock: CLOCK, epoch: EPOCH, hashHi: HASH_HI, hashLo: HASH_LO };
const HORIZON = 884736000000000;
const DIGEST = Uint8Array.of(0, 17, 34, 51, 68, 85, 102, 119);
const EXPIRY_MS = VIRTUAL_START_MS + 60_000;
const RECORD = encodeRecord(
  { time: TIME, node: NODE, tombstone: false, expiryMs: 0, value: text('Ada') },
  HASH_LO,
);
const EXPIRING = encodeRecord(
  { time: TIME, node: NODE, tombstone: false, expiryMs: EXPIRY_MS, value: text('Ada') },
  HASH_LO,
);

const N1 = { name: 'n1', identity: '5f1c', address: '10.0.0.1:7400', weight: 1, zone: 'a' };
const N2 = { name: 'n2', identity: '93ab', address: '10.0.0.2:7400', weight: 1, zone: 'b' };
const QUORUMS = { replicas: 3, readQuorum: 0, writeQuorum: 0 };
const CONFIG = { clusterId: 'c0ffee', epoch: EPOCH, ...QUORUMS, members: [N1, N2] };

const HELLO_CLIENT = { protocol: 1, role: 'client', software: 'quoral/0.1.0' };
const HELLO_PEER = {
  protocol: 1,
  role: 'peer',
  software: 'quoral/0.1.0',
  name: 'n2',
  identity: '93ab',
  clusterId: 'c0ffee',
  epoch: EPOCH,
  address: '10.0.0.2:7400',
  to: 'n1',
};
const WELCOME = {
  protocol: 1,
  software: 'quoral/0.1.0',
  node: 'n1',
  identity: '5f1c',
  clusterId: 'c0ffee',
  epoch: EPOCH,
  features: [],
  limits: { keyBytesMax: 8192, valueBytesMax: 16711680, frameBytesMax: 16777216 },
};
const SCAN = { prefix: text('user:'), limit: 2, values: true };
const SCAN_RESULT = {
  cursor: Uint8Array.of(0x02, 0x68),
  entries: [
    [KEY, 0, text('Ada')],
    [text('user:8'), EXPIRY_MS, text('Bob')],
  ],
};
const RING_RESULT = { ...CONFIG, live: ['n1', 'n2'], self: 'n1' };
const OWNERS_RESULT = {
  slot: 615,
  hash: '2679338e453be04f',
  owners: [
    { name: 'n2', address: '10.0.0.2:7400', live: true },
    { name: 'n1', address: '10.0.0.1:7400', live: true },
  ],
};
const REPAIR_RESULT = {
  slots: 1,
  peers: ['n2'],
  missing: ['n3'],
  slotsDiffering: 1,
  slotsFailed: 0,
  keysFetched: 2,
  keysSent: 0,
  bytesMoved: 1460,
  tookMs: 12,
  problems: [],
};
const IS_ALIVE = { name: 'n1', identity: '5f1c', incarnation: 4, state: 'alive' };
const IS_SUSPECT = { name: 'n2', identity: '93ab', incarnation: 9, state: 'suspect', by: ['n1', 'n3'] };
const IS_FAULTY = { name: 'n3', identity: 'a7d0', incarnation: 2, state: 'faulty' };
/** Slot and key. */
const POSITION = Uint8Array.of(0x02, 0x67, ...KEY);
const SLOT = 0x267 as Slot;
const SLOTS = packSlots([SLOT]);
const NONE = new Uint8Array(0);
const ROOT = Uint8Array.from(Buffer.from('6c1a8a0c35ff41d6', 'hex'));

/** Hash trees of a replica that has the one record of the examples. */
const TREES = new SlotTrees();
TREES.declareBuilt(SLOT);
TREES.replace(HASH_HI, HASH_LO, viewOf(RECORD), -1, viewOf(RECORD), 0);
const REPLICA_SCAN = {
  from: Uint8Array.of(0x02, 0x68),
  prefix: text('user:'),
  limit: 100,
  bytesMax: 1048576,
  values: true,
  epoch: EPOCH,
};

/** A message with a MessagePack body. */
function map(name: number, value: unknown, id = ID): (outbox: Outbox) => void {
  return (outbox) => writeBody(outbox, name, id, value);
}

export const EXAMPLES: Readonly<Record<string, (outbox: Outbox) => void>> = {
  'HELLO (client)': map(type.HELLO, HELLO_CLIENT, 0),
  'HELLO (peer)': map(type.HELLO, HELLO_PEER, 0),
  WELCOME: map(type.WELCOME, WELCOME, 0),
  ERROR: (outbox) => writeError(outbox, ID, 'QUORUM_TIMEOUT', '1 of 2 replicas answered in 2000 ms', false),
  'PING (client)': (outbox) => void outbox.begin(type.PING, 0, 0, 0, 0),
  'PING (peer)': (outbox) => writePing(outbox, 0, CLOCK, EPOCH, VIRTUAL_START_MS + 5, false),
  'PONG (client)': (outbox) => void outbox.begin(type.PONG, 0, 0, 0, 0),
  'PONG (peer)': (outbox) =>
    writePing(outbox, 0, CLOCK, EPOCH, VIRTUAL_START_MS + 5, true, type.FLAG_NOT_SERVING),
  GET: (outbox) => writeGet(outbox, ID, KEY, 0, 2000, false),
  'GET (whether there is one)': (outbox) => writeGet(outbox, ID, KEY, 1, 0, true),
  SET: (outbox) =>
    writeSet(outbox, ID, KEY, text('Ada'), { w: 0, budgetMs: 2000, expiry: 60_000, absolute: false }),
  'SET (until a moment)': (outbox) =>
    writeSet(outbox, ID, KEY, text('Ada'), { w: 3, budgetMs: 0, expiry: EXPIRY_MS, absolute: true }),
  DELETE: (outbox) => writeDelete(outbox, ID, KEY, 0, 2000),
  SCAN: map(type.SCAN, SCAN),
  'RESULT (to SCAN)': map(type.RESULT, SCAN_RESULT),
  STATUS: map(type.STATUS, {}),
  'RESULT (to STATUS)': map(type.RESULT, { name: 'n1', address: '10.0.0.1:7400' }),
  RING: map(type.RING, {}),
  'RESULT (to RING)': map(type.RESULT, RING_RESULT),
  OWNERS: (outbox) => writeBody(outbox, type.OWNERS, ID, {}, KEY),
  'RESULT (to OWNERS)': map(type.RESULT, OWNERS_RESULT),
  REPAIR: map(type.REPAIR, { slot: 615 }),
  'RESULT (to REPAIR)': map(type.RESULT, REPAIR_RESULT),
  LOG_LEVEL: map(type.LOG_LEVEL, { level: 'debug' }),
  'RESULT (to LOG_LEVEL)': map(type.RESULT, { level: 'debug' }),
  VALUE: (outbox) => writeValue(outbox, ID, RECORD, 0, RECORD.length, false),
  'VALUE (with an expiry)': (outbox) => writeValue(outbox, ID, EXPIRING, 0, EXPIRING.length, false),
  'VALUE (without the value)': (outbox) => writeValue(outbox, ID, RECORD, 0, RECORD.length, true),
  ABSENT: (outbox) => writeAbsent(outbox, ID),
  DONE: (outbox) => writeDone(outbox, ID, TIME, NODE, type.FLAG_EXISTED),
  JOIN: map(type.JOIN, { member: N2 }),
  'RESULT (to JOIN)': map(type.RESULT, { config: CONFIG }),
  CONFIG_PUSH: map(type.CONFIG_PUSH, { config: CONFIG }),
  'RESULT (to CONFIG_PUSH)': map(type.RESULT, { epoch: EPOCH }),
  CONFIG_PULL: map(type.CONFIG_PULL, {}),
  FREEZE: map(type.FREEZE, { epoch: EPOCH }),
  RELEASE: map(type.RELEASE, { epoch: EPOCH }),
  'RESULT (to FREEZE and RELEASE)': map(type.RESULT, {}),
  PROBE: map(type.PROBE, { incarnation: 4, claims: [IS_SUSPECT] }),
  'RESULT (to PROBE)': map(type.RESULT, { incarnation: 10, claims: [] }),
  PROBE_REQUEST: map(type.PROBE_REQUEST, { target: 'n2', timeoutMs: 400, claims: [] }),
  'RESULT (to PROBE_REQUEST, answered)': map(type.RESULT, { isAnswered: true, incarnation: 10 }),
  'RESULT (to PROBE_REQUEST, not answered)': map(type.RESULT, { isAnswered: false }),
  GOSSIP: map(type.GOSSIP, { claims: [IS_FAULTY] }),
  'RESULT (to GOSSIP)': map(type.RESULT, {}),
  PUSH_PULL: map(type.PUSH_PULL, { claims: [IS_ALIVE, IS_FAULTY] }),
  BARRIER: map(type.BARRIER, { epoch: EPOCH, slots: [615] }),
  'RESULT (to BARRIER)': map(type.RESULT, { slots: [615], weak: [] }),
  COLLECT_PROMISE: map(type.COLLECT_PROMISE, { epoch: EPOCH, slots: [615], horizon: HORIZON }),
  'RESULT (to COLLECT_PROMISE)': map(type.RESULT, { digests: [DIGEST, null] }),
  COLLECT: map(type.COLLECT, { epoch: EPOCH, slots: [615], horizon: HORIZON, digests: [DIGEST] }),
  'RESULT (to COLLECT)': map(type.RESULT, { count: 1 }),
  COUNT_KEYS: map(type.COUNT_KEYS, { epoch: EPOCH }),
  'RESULT (to COUNT_KEYS)': map(type.RESULT, {
    counts: Uint8Array.of(0, 0, 0, 2, 0, 0, 0, 1, 255, 255, 255, 255, 255, 255, 255, 255),
  }),
  REPLICA_READ: (outbox) => writeReplicaRead(outbox, ID, PREFIX, KEY, KEY.length, TIME, NODE, false),
  REPLICA_APPLY: (outbox) =>
    writeReplicaApply(outbox, ID, PREFIX, KEY, KEY.length, RECORD, RECORD.length, false),
  'REPLICA_APPLY (a repair, with an expiry)': (outbox) =>
    writeReplicaApply(outbox, ID, PREFIX, KEY, KEY.length, EXPIRING, EXPIRING.length, true),
  'REPLICA_APPLY (the third owner is down)': (outbox) =>
    writeReplicaApply(outbox, ID, PREFIX, KEY, KEY.length, RECORD, RECORD.length, false, 0b100),
  REPLICA_SCAN: map(type.REPLICA_SCAN, REPLICA_SCAN),
  'RESULT (to REPLICA_SCAN)': map(type.RESULT, { entries: [[POSITION, RECORD]], upTo: null }),
  TREE_DIGEST: map(type.TREE_DIGEST, { epoch: EPOCH, slots: SLOTS, digest: TREES.digest([SLOT]) }),
  'RESULT (to TREE_DIGEST, equal)': map(type.RESULT, { same: true }),
  'RESULT (to TREE_DIGEST, not equal)': map(type.RESULT, { roots: ROOT, unbuilt: NONE }),
  'TREE_LEAVES (the groups of slots)': map(type.TREE_LEAVES, { epoch: EPOCH, slots: SLOTS }),
  'RESULT (to TREE_LEAVES, groups)': map(type.RESULT, { groups: TREES.groups(SLOT), unbuilt: NONE }),
  'TREE_LEAVES (the leaves of groups)': map(type.TREE_LEAVES, {
    epoch: EPOCH,
    groups: packGroups([{ slot: SLOT, groups: 1 << 4 }]),
  }),
  'RESULT (to TREE_LEAVES, leaves)': map(type.RESULT, { leaves: TREES.leaves(SLOT, 4), unbuilt: NONE }),
  TREE_KEYS: map(type.TREE_KEYS, {
    epoch: EPOCH,
    leaves: packLeaves([{ slot: SLOT, leaves: Uint8Array.of(0, 0, 0, 0, 1 << 4, 0, 0, 0) }]),
  }),
  'RESULT (to TREE_KEYS)': map(type.RESULT, {
    keys: packVersions([{ engineKey: POSITION, time: TIME, node: NODE }]),
    upTo: null,
    corrupt: NONE,
  }),
  RECORDS: map(type.RECORDS, { epoch: EPOCH, keys: packKeys([POSITION]) }),
  'RESULT (to RECORDS)': map(type.RESULT, { records: packRecords([RECORD]) }),
  RECORDS_PUSH: map(type.RECORDS_PUSH, {
    epoch: EPOCH,
    records: packKeyedRecords([{ engineKey: POSITION, record: RECORD }]),
  }),
  'RESULT (to RECORDS_PUSH)': map(type.RESULT, { logged: Uint8Array.of(1) }),
  HINTS_OFFER: map(type.HINTS_OFFER, { epoch: EPOCH, count: 40_000 }),
  'RESULT (to HINTS_OFFER)': map(type.RESULT, { credit: 512 }),
  HINT: map(type.HINT, { epoch: EPOCH, clock: CLOCK, records: [[POSITION, RECORD]] }),
  'RESULT (to HINT)': map(type.RESULT, { answers: Uint8Array.of(1) }),
  READ_SAME: (outbox) => writeReadSame(outbox, ID, CLOCK),
  READ_VERSION: (outbox) => writeReadVersion(outbox, ID, CLOCK, TIME, NODE),
  READ_RECORD: (outbox) => writeReadRecord(outbox, ID, CLOCK, RECORD, 0, RECORD.length),
  APPLIED: (outbox) => writeApplied(outbox, ID, CLOCK, type.FLAG_EXISTED),
  STALE: (outbox) => writeStale(outbox, ID, CLOCK, TIME, NODE),
  UNSURE: (outbox) => writeUnsure(outbox, ID, CLOCK),
};
