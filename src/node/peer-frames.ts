/**
 * The dispatch of everything that a peer sends on an established link: requests go to this node's replica, replies to
 * its coordinator, the rest to the node. Malformed ones are answered or dropped; they never reach further.
 */
import { definite, KvError, messageOf } from '../base/errors.js';
import { KEY_BYTES_MAX } from '../base/limits.js';
import { KeyRef } from '../replication/key-ref.js';
import { slotOf } from '../ring/slot.js';
import { isRecordShape, RECORD_HEADER_BYTES } from '../version/record.js';
import { VERSION_BYTES } from '../version/version.js';
import { decodeBody, writeBody } from '../wire/body.js';
import { readError, writeError } from '../wire/error-message.js';
import type { Frame } from '../wire/frame.js';
import {
  APPLIED,
  ERROR,
  FLAG_EXISTED,
  FLAG_NOT_SERVING,
  FLAG_REPAIR,
  FLAG_VERSION_ONLY,
  PING,
  PONG,
  READ_RECORD,
  READ_SAME,
  READ_VERSION,
  REPLICA_APPLY,
  REPLICA_READ,
  RESULT,
  STALE,
  typeName,
  UNSURE,
} from '../wire/message-type.js';
import {
  missedPlaces,
  PING_BYTES,
  REPLICA_PREFIX_BYTES,
  REPLICA_READ_BYTES,
  REPLY_PREFIX_BYTES,
  readClockField,
  readEpochField,
  readHashHiField,
  readHashLoField,
  readHaveNodeField,
  readHaveTimeField,
  readReplyNodeField,
  readReplyTimeField,
  writePing,
} from '../wire/replica-messages.js';
import type { LinkContext } from './link-context.js';
import type { PeerLink } from './peer-link.js';

/** Answers that wait for one peer; past this its reads are refused. */
const UNREAD_BYTES_MAX = 64 * 1024 * 1024;

/** Reused for every request: the replica copies what it keeps. */
const keyRef = new KeyRef();

export function dispatchPeerFrame(link: PeerLink, context: LinkContext, frame: Frame): void {
  const { coordinator } = context;
  switch (frame.type) {
    case REPLICA_READ:
      return onReplicaRead(link, context, frame);
    case REPLICA_APPLY:
      return onReplicaApply(link, context, frame);
    case READ_SAME:
      if (hears(context, frame, 0)) coordinator.onSame(link, frame.id);
      return;
    case READ_VERSION:
      if (!hears(context, frame, VERSION_BYTES)) return;
      return coordinator.onVersion(link, frame.id, readReplyTimeField(frame), readReplyNodeField(frame));
    case READ_RECORD:
      return onReadRecord(link, context, frame);
    case APPLIED:
      if (hears(context, frame, 0)) coordinator.onApplied(link, frame.id, (frame.flags & FLAG_EXISTED) !== 0);
      return;
    case STALE:
      if (!hears(context, frame, VERSION_BYTES)) return;
      return coordinator.onStale(link, frame.id, readReplyTimeField(frame), readReplyNodeField(frame));
    case UNSURE:
      if (hears(context, frame, 0)) coordinator.onUnsure(link, frame.id);
      return;
    case PING:
    case PONG:
      return onPing(link, context, frame);
    case RESULT:
      return link.calls.onResult(frame.id, decodeBody(frame.body()));
    case ERROR:
      return onError(link, context, frame);
    default:
      if (context.answersCall(frame.type)) return void onCall(link, context, frame);
      refuse(link, frame, definite('UNKNOWN_TYPE', `this node does not know ${typeName(frame.type)}`));
  }
}

function onReplicaRead(link: PeerLink, context: LinkContext, frame: Frame): void {
  if (frame.bodyLength !== REPLICA_READ_BYTES) return refuseShape(link, frame);
  if (!takesRequest(link, context, frame)) return;
  if (link.outbox.pendingBytes > UNREAD_BYTES_MAX) {
    const message = 'the peer does not read its answers; try again after a pause';
    return refuse(link, frame, definite('BUSY', message));
  }
  const versionOnly = (frame.flags & FLAG_VERSION_ONLY) !== 0;
  const haveTime = readHaveTimeField(frame);
  const haveNode = readHaveNodeField(frame);
  context.replica.read(keyRef, haveTime, haveNode, versionOnly, link.client!, frame.id);
}

function onReplicaApply(link: PeerLink, context: LinkContext, frame: Frame): void {
  const start = frame.bodyStart + REPLICA_PREFIX_BYTES;
  const length = frame.bodyLength - REPLICA_PREFIX_BYTES;
  if (length < RECORD_HEADER_BYTES || !isRecordShape(frame.view, start, length))
    return refuseShape(link, frame);
  if (!takesRequest(link, context, frame)) return;
  const missed = missedPlaces(frame);
  if (missed !== 0) {
    const owners = context.coordinator.placement.owners(slotOf(keyRef.hashHi));
    context.hints.keep(keyRef, owners, missed);
  }
  const repair = (frame.flags & FLAG_REPAIR) !== 0;
  context.replica.apply(keyRef, frame.bytes, frame.view, start, length, repair, link.client!, frame.id);
}

/** Checks key and epoch, advances the clock, and fills in {@link keyRef}. */
function takesRequest(link: PeerLink, context: LinkContext, frame: Frame): boolean {
  if (frame.keyLength === 0 || frame.keyLength > KEY_BYTES_MAX) {
    refuseShape(link, frame);
    return false;
  }
  context.hybridClock.observe(readClockField(frame));
  const epoch = readEpochField(frame);
  if (epoch !== context.epoch()) {
    context.onPeerEpoch(link, epoch);
    const message = `the configurations differ: epoch ${epoch} there, ${context.epoch()} here`;
    refuse(link, frame, definite('EPOCH_MISMATCH', message));
    return false;
  }
  keyRef.set(frame.bytes, frame.keyStart, frame.keyLength, readHashHiField(frame), readHashLoField(frame));
  return true;
}

function onReadRecord(link: PeerLink, context: LinkContext, frame: Frame): void {
  const start = frame.bodyStart + REPLY_PREFIX_BYTES;
  const length = frame.bodyLength - REPLY_PREFIX_BYTES;
  if (length < RECORD_HEADER_BYTES || !isRecordShape(frame.view, start, length)) {
    return context.coordinator.onRefused(link, frame.id, 'PROTOCOL', 'the record it sent is malformed');
  }
  context.hybridClock.observe(readClockField(frame));
  context.coordinator.onRecord(link, frame.id, frame.bytes, start, length);
}

/** Checks the length of a reply and advances the clock. A malformed reply counts as none: the request goes on. */
function hears(context: LinkContext, frame: Frame, bodyBytes: number): boolean {
  if (frame.bodyLength !== REPLY_PREFIX_BYTES + bodyBytes) return false;
  context.hybridClock.observe(readClockField(frame));
  return true;
}

function onPing(link: PeerLink, context: LinkContext, frame: Frame): void {
  if (frame.bodyLength !== PING_BYTES) return refuseShape(link, frame);
  const { hybridClock, clock } = context;
  hybridClock.observe(readClockField(frame));
  const epoch = readEpochField(frame);
  if (epoch !== context.epoch()) context.onPeerEpoch(link, epoch);
  if (frame.type === PONG) return link.onPong(frame);
  link.onServing((frame.flags & FLAG_NOT_SERVING) === 0);
  const flags = context.replica.isServing ? 0 : FLAG_NOT_SERVING;
  writePing(link.outbox, frame.id, hybridClock.current(), context.epoch(), clock.wallMs(), true, flags);
}

function onError(link: PeerLink, context: LinkContext, frame: Frame): void {
  const error = readError(frame);
  if (link.calls.owns(frame.id)) link.calls.onError(frame.id, error);
  else if (error.definite) context.coordinator.onRefused(link, frame.id, error.code, error.message);
  else context.coordinator.onLost(link, frame.id);
}

async function onCall(link: PeerLink, context: LinkContext, frame: Frame): Promise<void> {
  const { id, type } = frame;
  const { generation } = link;
  const body = decodeBody(frame.body());
  if (body === undefined) return refuseShape(link, frame);
  let answer: (() => void) | undefined;
  try {
    const result = await context.onCall(link, type, body);
    answer = () => writeBody(link.outbox, RESULT, id, result);
  } catch (error) {
    const known = error instanceof KvError ? error : definite('INTERNAL', messageOf(error), error);
    answer = () => writeError(link.outbox, id, known.code, known.message, known.definite);
  }
  // The link may have broken meanwhile, or be another one now.
  if (link.isUp && link.generation === generation) answer();
}

function refuseShape(link: PeerLink, frame: Frame): void {
  refuse(link, frame, definite('BAD_REQUEST', `a malformed ${typeName(frame.type)}`));
}

function refuse(link: PeerLink, frame: Frame, error: KvError): void {
  writeError(link.outbox, frame.id, error.code, error.message, error.definite);
}
