/** The ERROR reply: a MessagePack map `{ code, message, definite }`. */
import { type ErrorCode, KvError } from '../base/errors.js';
import { decodeBody, stringField, writeBody } from './body.js';
import type { Frame } from './frame.js';
import { ERROR } from './message-type.js';
import type { Outbox } from './outbox.js';

export function writeError(
  outbox: Outbox,
  id: number,
  code: ErrorCode,
  message: string,
  definite: boolean,
): void {
  writeBody(outbox, ERROR, id, { code, message, definite });
}

/** The error in an ERROR frame. One that cannot be read is an indefinite PROTOCOL error. */
export function readError(frame: Frame): KvError {
  const body = decodeBody(frame.body());
  const code = body === undefined ? undefined : stringField(body, 'code');
  if (body === undefined || code === undefined) {
    return new KvError('PROTOCOL', 'the other side sent an error that cannot be read', { definite: false });
  }
  // Codes of newer nodes are passed on as they are.
  const message = stringField(body, 'message') ?? '';
  return new KvError(code as ErrorCode, message, { definite: body.definite === true });
}
