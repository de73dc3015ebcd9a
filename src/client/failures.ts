/** The errors that the library itself makes, and the words that name the key and the node in all of them. */
import { definite, KvError, messageOf } from '../base/errors.js';
import { type Body, stringField } from '../wire/body.js';
import { typeName } from '../wire/message-type.js';
import type { Request } from './request.js';
import { knownCode } from './retry.js';

const KEY_CHARACTERS_SHOWN = 40;
const KEY_BYTES_SHOWN = KEY_CHARACTERS_SHOWN * 4;
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** A key as it reads in messages: quoted text, shortened; hex when it is not text. */
export function showKey(key: Uint8Array): string {
  const head = key.length > KEY_BYTES_SHOWN ? key.subarray(0, KEY_BYTES_SHOWN) : key;
  // A cut in the middle of a character would make text look like bytes.
  for (let cut = 0; cut < (head === key ? 1 : 4); cut++) {
    try {
      return showText(decoder.decode(head.subarray(0, head.length - cut)), head !== key);
    } catch {}
  }
  const hex = Array.from(key.subarray(0, KEY_CHARACTERS_SHOWN / 2), (byte) =>
    byte.toString(16).padStart(2, '0'),
  );
  return `0x${hex.join('')}${key.length > KEY_CHARACTERS_SHOWN / 2 ? '…' : ''}`;
}

function showText(text: string, isCut: boolean): string {
  const characters = Array.from(text);
  if (characters.length <= KEY_CHARACTERS_SHOWN && !isCut) return JSON.stringify(text);
  return `${JSON.stringify(characters.slice(0, KEY_CHARACTERS_SHOWN).join(''))}…`;
}

/** An operation as it reads in messages, as in `SET "user:7"`. */
export function showRequest(request: Request): string {
  const name = typeName(request.type);
  return request.key.length === 0 ? name : `${name} ${showKey(request.key)}`;
}

/** What a node's ERROR says about a request; undefined when the body is malformed. */
export function answeredError(body: Body | undefined, request: Request, node: string): KvError | undefined {
  const answer = parseError(body);
  if (answer === undefined) return undefined;
  const message = `${answer.message} [${showRequest(request)} at ${node}]`;
  return new KvError(answer.code, message, { definite: answer.definite });
}

/** A node's ERROR; undefined when the body is malformed. */
export function parseError(body: Body | undefined): KvError | undefined {
  if (body === undefined) return undefined;
  const code = stringField(body, 'code');
  const message = stringField(body, 'message');
  if (code === undefined || message === undefined || typeof body.definite !== 'boolean') return undefined;
  const known = knownCode(code);
  return new KvError(known, known === code ? message : `${code}: ${message}`, { definite: body.definite });
}

/** The connection went away under a request that was sent. */
export function lostError(request: Request, node: string, cause: KvError): KvError {
  const code = cause.code === 'PROTOCOL' ? 'PROTOCOL' : 'CONNECTION_LOST';
  const message = `${cause.message} [while ${showRequest(request)} was at ${node}]${doubt(request)}`;
  return new KvError(code, message, { definite: request.isRead, cause });
}

/** No connection could be opened for a request. */
export function unreachableError(request: Request, cause: KvError | undefined): KvError {
  const reason = cause === undefined ? '' : `; the last one: ${cause.message}`;
  return definite('CONNECT_FAILED', `no node can be reached for ${showRequest(request)}${reason}`, cause);
}

/** The request's time is up. */
export function timeoutError(request: Request): KvError {
  const message = `${showRequest(request)} took more than ${request.timeoutMs} ms, ${whereabouts(request)}`;
  return new KvError('TIMEOUT', message, { definite: isUndone(request), cause: request.lastError });
}

/** The caller's signal fired. */
export function abortedError(request: Request): KvError {
  const message = `${showRequest(request)} was aborted, ${whereabouts(request)}`;
  return new KvError('ABORTED', message, { definite: isUndone(request), cause: request.signal?.reason });
}

/** The client was closed before the request was done. */
export function closedError(request: Request): KvError {
  const message = `${showRequest(request)} was not done: the client is closed`;
  return new KvError('CLOSED', message, { definite: isUndone(request) });
}

/** Every earlier attempt failed definitely, so only one that is out now leaves a doubt. */
function isUndone(request: Request): boolean {
  return request.isRead || request.state !== 'sent';
}

function doubt(request: Request): string {
  return request.isRead ? '' : '; it may have been done: read the key to find out';
}

function whereabouts(request: Request): string {
  const last = request.lastError === undefined ? '' : `; before that: ${request.lastError.message}`;
  switch (request.state) {
    case 'sent':
      return `waiting for ${request.connection?.label}${doubt(request)}${last}`;
    case 'new':
      return 'before it was sent';
    case 'waiting':
      return 'waiting for a place among those in flight; see inFlightMax';
    case 'parked':
      return `waiting for a connection${last}`;
    case 'paused':
    case 'done':
      return `between two attempts${last}`;
  }
}

/** The reason in an error of the network, which says it in `code` when a host has several addresses. */
export function networkReason(error: Error | undefined): string {
  if (error === undefined) return 'the other side ended it';
  const message = messageOf(error);
  return message === '' ? String((error as NodeJS.ErrnoException).code ?? error.name) : message;
}

/**
 * Rejects the promise behind `resolve` so that the error's stack shows who awaits it. An error made while a reply is
 * handled has nothing but the event loop on its stack; made in a reaction, it gets V8's asynchronous frames, and what
 * succeeds pays nothing for it.
 */
export function rejectWithCallerStack(resolve: (result: unknown) => void, error: KvError): void {
  const rejection = Promise.resolve()
    .then(afterOneTick)
    .then(() => {
      Error.captureStackTrace(error);
      throw error;
    });
  resolve(rejection);
}

/** By then the caller's promise is attached to the rejection, and can be seen from it. */
function afterOneTick(): void {}
