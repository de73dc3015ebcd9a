/**
 * The message types: one byte each, append-only. A number is never reused; FORMAT.md lists every one with its body and
 * a worked example. Requests of clients are 0x10–0x1f, their replies 0x20–0x2f, the peers' 0x40–0x6f.
 */

// Connection.
export const HELLO = 0x01;
export const WELCOME = 0x02;
export const ERROR = 0x03;
export const PING = 0x04;
export const PONG = 0x05;

// Client requests.
export const GET = 0x10;
export const SET = 0x11;
export const DELETE = 0x12;
export const SCAN = 0x13;
export const STATUS = 0x14;
export const RING = 0x15;
export const OWNERS = 0x16;
export const REPAIR = 0x17;
export const LOG_LEVEL = 0x18;

// Replies to clients; RESULT also answers the peers' MessagePack requests.
export const VALUE = 0x20;
export const ABSENT = 0x21;
export const DONE = 0x22;
export const RESULT = 0x23;

// Cluster configuration, between peers.
export const JOIN = 0x40;
export const CONFIG_PUSH = 0x41;
export const CONFIG_PULL = 0x42;
export const FREEZE = 0x43;
export const RELEASE = 0x44;

// The failure detector, between peers.
export const PROBE = 0x45;
export const PROBE_REQUEST = 0x46;
export const GOSSIP = 0x47;
export const PUSH_PULL = 0x48;

// Healing, between peers.
export const HINTS_OFFER = 0x60;
export const TREE_DIGEST = 0x61;
export const TREE_LEAVES = 0x62;
export const TREE_KEYS = 0x63;
export const RECORDS = 0x64;
export const RECORDS_PUSH = 0x65;
export const HINT = 0x66;
export const BARRIER = 0x67;
export const COLLECT_PROMISE = 0x68;
export const COLLECT = 0x69;
export const COUNT_KEYS = 0x6a;

// Replica requests and replies, between peers.
export const REPLICA_READ = 0x50;
export const REPLICA_APPLY = 0x51;
export const REPLICA_SCAN = 0x52;
export const READ_SAME = 0x58;
export const READ_VERSION = 0x59;
export const READ_RECORD = 0x5a;
export const APPLIED = 0x5b;
export const STALE = 0x5c;
export const UNSURE = 0x5d;

/** The protocol version spoken in HELLO and WELCOME. */
export const PROTOCOL_VERSION = 1;

// Flags in the frame header, by type.

/** GET, VALUE: without the value's bytes. */
export const FLAG_NO_VALUE = 1;
/** SET: the expiry field is a moment (milliseconds since 1970), not a time to live. */
export const FLAG_EXPIRY_ABSOLUTE = 1;
/** DONE, APPLIED: what was replaced was a live record. */
export const FLAG_EXISTED = 1;
/** REPLICA_READ: answer with READ_VERSION whatever is held. */
export const FLAG_VERSION_ONLY = 1;
/** REPLICA_APPLY: not the coordinator's own write but one that a read, a hint or an exchange brings. */
export const FLAG_REPAIR = 1;
/**
 * REPLICA_APPLY: the owners of the slot that have not been sent this, because they are down; bit i + 1 is the owner at
 * place i. The receiver keeps a hint for each.
 */
export const FLAG_MISSED = 0xfe;
/** PING, PONG: the sender's storage has failed; it takes no part in quorums. */
export const FLAG_NOT_SERVING = 1;

const NAMES: Readonly<Record<number, string>> = {
  [HELLO]: 'HELLO',
  [WELCOME]: 'WELCOME',
  [ERROR]: 'ERROR',
  [PING]: 'PING',
  [PONG]: 'PONG',
  [GET]: 'GET',
  [SET]: 'SET',
  [DELETE]: 'DELETE',
  [SCAN]: 'SCAN',
  [STATUS]: 'STATUS',
  [RING]: 'RING',
  [OWNERS]: 'OWNERS',
  [REPAIR]: 'REPAIR',
  [LOG_LEVEL]: 'LOG_LEVEL',
  [VALUE]: 'VALUE',
  [ABSENT]: 'ABSENT',
  [DONE]: 'DONE',
  [RESULT]: 'RESULT',
  [JOIN]: 'JOIN',
  [CONFIG_PUSH]: 'CONFIG_PUSH',
  [CONFIG_PULL]: 'CONFIG_PULL',
  [FREEZE]: 'FREEZE',
  [RELEASE]: 'RELEASE',
  [PROBE]: 'PROBE',
  [PROBE_REQUEST]: 'PROBE_REQUEST',
  [GOSSIP]: 'GOSSIP',
  [PUSH_PULL]: 'PUSH_PULL',
  [HINTS_OFFER]: 'HINTS_OFFER',
  [TREE_DIGEST]: 'TREE_DIGEST',
  [TREE_LEAVES]: 'TREE_LEAVES',
  [TREE_KEYS]: 'TREE_KEYS',
  [RECORDS]: 'RECORDS',
  [RECORDS_PUSH]: 'RECORDS_PUSH',
  [HINT]: 'HINT',
  [BARRIER]: 'BARRIER',
  [COLLECT_PROMISE]: 'COLLECT_PROMISE',
  [COLLECT]: 'COLLECT',
  [COUNT_KEYS]: 'COUNT_KEYS',
  [REPLICA_READ]: 'REPLICA_READ',
  [REPLICA_APPLY]: 'REPLICA_APPLY',
  [REPLICA_SCAN]: 'REPLICA_SCAN',
  [READ_SAME]: 'READ_SAME',
  [READ_VERSION]: 'READ_VERSION',
  [READ_RECORD]: 'READ_RECORD',
  [APPLIED]: 'APPLIED',
  [STALE]: 'STALE',
  [UNSURE]: 'UNSURE',
};

/** The name of a type for logs and error messages; unknown ones in hex. */
export function typeName(type: number): string {
  return NAMES[type] ?? `0x${type.toString(16).padStart(2, '0')}`;
}
