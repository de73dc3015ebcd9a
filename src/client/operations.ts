/** Makes the requests of the operations, after checking what the caller gave. */
import { type BytesLike, toBytes } from '../base/bytes.js';
import { definite, type KvError } from '../base/errors.js';
import { KEY_BYTES_MAX, VALUE_BYTES_MAX } from '../base/limits.js';
import type { Body } from '../wire/body.js';
import { DELETE, GET, REPAIR, SET } from '../wire/message-type.js';
import { showKey } from './failures.js';
import {
  expiryOf,
  type OperationOptions,
  quorumOr,
  type ReadOptions,
  type RepairOptions,
  type SetOptions,
  timeoutOr,
  type WriteOptions,
} from './options.js';
import { readDeleted, readWritten } from './replies.js';
import { type ReplyReader, Request } from './request.js';
import { readRepair } from './views.js';

/** A node that has much to compare takes long; one that has died meanwhile is noticed by its silence. */
const REPAIR_MS_MAX = 3_600_000;

/** A GET. @throws KvError `BAD_REQUEST` or `TOO_LARGE`. */
export function getRequest(
  key: BytesLike,
  options: ReadOptions,
  readReply: ReplyReader<unknown>,
  timeoutMs: number,
): Request {
  const request = newRequest(GET, keyBytes(key), readReply, options, timeoutMs);
  request.quorum = quorumOr(options.r, 'r');
  return request;
}

/** A SET. @throws KvError `BAD_REQUEST` or `TOO_LARGE`. */
export function setRequest(
  key: BytesLike,
  value: BytesLike,
  options: SetOptions,
  timeoutMs: number,
): Request {
  const request = newRequest(SET, keyBytes(key), readWritten, options, timeoutMs);
  request.value = valueBytes(value, request.key);
  request.quorum = quorumOr(options.w, 'w');
  request.expiry = expiryOf(options);
  request.expiryAbsolute = options.expiresAtMs !== undefined;
  return request;
}

/** A DELETE. @throws KvError `BAD_REQUEST` or `TOO_LARGE`. */
export function deleteRequest(key: BytesLike, options: WriteOptions, timeoutMs: number): Request {
  const request = newRequest(DELETE, keyBytes(key), readDeleted, options, timeoutMs);
  request.quorum = quorumOr(options.w, 'w');
  return request;
}

/** What {@link bodyRequest} is made of. */
export interface BodyRequestFields {
  readonly type: number;
  readonly key?: Uint8Array;
  readonly body: Body;
  readonly readReply: ReplyReader<unknown>;
}

/** A request with a MessagePack body. @throws KvError `BAD_REQUEST`. */
export function bodyRequest(
  fields: BodyRequestFields,
  options: OperationOptions,
  timeoutMs: number,
): Request {
  const request = newRequest(fields.type, fields.key, fields.readReply, options, timeoutMs);
  request.body = fields.body;
  return request;
}

/** A REPAIR. @throws KvError `BAD_REQUEST`. */
export function repairRequest({ slot, signal }: RepairOptions): Request {
  const request = new Request(REPAIR, undefined, readRepair, REPAIR_MS_MAX, signal);
  request.body = slot === undefined ? {} : { slot };
  request.isOnce = true;
  return request;
}

/** @throws KvError `BAD_REQUEST` when `key` is no key, `TOO_LARGE` when it is too long. */
export function keyBytes(key: BytesLike): Uint8Array {
  if (!isBytesLike(key)) throw notBytes('a key', key);
  const bytes = toBytes(key);
  if (bytes.length > KEY_BYTES_MAX) throw tooLarge(`the key ${showKey(bytes)}`, bytes.length, KEY_BYTES_MAX);
  return bytes;
}

function valueBytes(value: BytesLike, key: Uint8Array): Uint8Array {
  if (!isBytesLike(value)) throw notBytes(`the value of ${showKey(key)}`, value);
  const bytes = toBytes(value);
  if (bytes.length > VALUE_BYTES_MAX) {
    throw tooLarge(`the value of ${showKey(key)}`, bytes.length, VALUE_BYTES_MAX);
  }
  return bytes;
}

function newRequest(
  type: number,
  key: Uint8Array | undefined,
  readReply: ReplyReader<unknown>,
  options: OperationOptions,
  timeoutMs: number,
): Request {
  return new Request(type, key, readReply, timeoutOr(options.timeoutMs, timeoutMs), options.signal);
}

/** Also true for byte arrays of another realm, as test runners make them. */
function isBytesLike(value: unknown): value is BytesLike {
  if (typeof value === 'string' || value instanceof Uint8Array) return true;
  return Object.prototype.toString.call(value) === '[object Uint8Array]';
}

function notBytes(what: string, value: unknown): KvError {
  const kind = value === null ? 'null' : typeof value;
  return definite('BAD_REQUEST', `${what} must be a string or a Uint8Array, not ${kind}`);
}

function tooLarge(what: string, bytes: number, max: number): KvError {
  return definite('TOO_LARGE', `${what} has ${bytes} bytes; at most ${max} are possible`);
}
