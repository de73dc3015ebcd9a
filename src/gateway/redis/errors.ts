/** The errors that Redis clients are told: Redis' own texts where clients depend on them, our codes where only we have such a failure. */
import { type ErrorCode, KvError, messageOf } from '../../base/errors.js';
import type { Log } from '../../ports/log.js';

export const SYNTAX_ERROR = 'ERR syntax error';
export const NOT_AN_INTEGER = 'ERR value is not an integer or out of range';

/** Thrown by commands that run as promises: the text of the reply, with its code in front. */
export class ReplyError extends Error {}

export function wrongArguments(fullName: string): string {
  return `ERR wrong number of arguments for '${fullName}' command`;
}

/** An error of the store. One that leaves open whether the command has happened says so. */
export function errorText(code: ErrorCode, message: string, definite: boolean): string {
  const prefix = code === 'BAD_REQUEST' || code === 'TOO_LARGE' ? 'ERR' : code;
  return definite ? `${prefix} ${message}` : `${prefix} ${message}; it may have happened`;
}

/** The text for anything that was thrown. A defect of ours is logged. */
export function errorTextOf(error: unknown, log: Log): string {
  if (error instanceof ReplyError) return error.message;
  if (error instanceof KvError) return errorText(error.code, error.message, error.definite);
  log.error('a command failed', { error: messageOf(error), stack: (error as Error).stack ?? '' });
  return `INTERNAL ${messageOf(error)}`;
}
