/**
 * The messages that FORMAT.md shows, made with the writers that the programs use. The document has one block for each,
 * under the same title; its first word is the type's name.
 */
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
/** Slot and key. */
const POSITION = Uint8Array.of(0x02, 0x67, ...KEY);
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
  REPLICA_READ: (outbox) => writeReplicaRead(outbox, ID, PREFIX, KEY, KEY.length, TIME, NODE, false),
  REPLICA_APPLY: (outbox) =>
    writeReplicaApply(outbox, ID, PREFIX, KEY, KEY.length, RECORD, RECORD.length, false),
  'REPLICA_APPLY (a repair, with an expiry)': (outbox) =>
    writeReplicaApply(outbox, ID, PREFIX, KEY, KEY.length, EXPIRING, EXPIRING.length, true),
  REPLICA_SCAN: map(type.REPLICA_SCAN, REPLICA_SCAN),
  'RESULT (to REPLICA_SCAN)': map(type.RESULT, { entries: [[POSITION, RECORD]], upTo: null }),
  READ_SAME: (outbox) => writeReadSame(outbox, ID, CLOCK),
  READ_VERSION: (outbox) => writeReadVersion(outbox, ID, CLOCK, TIME, NODE),
  READ_RECORD: (outbox) => writeReadRecord(outbox, ID, CLOCK, RECORD, 0, RECORD.length),
  APPLIED: (outbox) => writeApplied(outbox, ID, CLOCK, type.FLAG_EXISTED),
  STALE: (outbox) => writeStale(outbox, ID, CLOCK, TIME, NODE),
  UNSURE: (outbox) => writeUnsure(outbox, ID, CLOCK),
};
