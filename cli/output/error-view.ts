/**
 * How errors are told: one line with the code, what happened, and whether the operation may have happened; then what to
 * do next. With --json the same as one JSON value.
 */
import { type ErrorCode, KvError, messageOf } from '../../src/base/errors.js';
import { KEY_BYTES_MAX, VALUE_BYTES_MAX } from '../../src/base/limits.js';
import { formatCount } from '../text/quantity.js';
import { UsageError } from '../usage-error.js';
import type { Output } from './output.js';

/**
 * What a failed operation would have done. A read changes nothing, so nobody asks whether it happened. `unknown`: whatever
 * was asked of the node, which alone knows what it means.
 */
export type Effect = 'reads' | 'writes' | 'unknown';

export interface ErrorView {
  /** An error code of the cluster, `USAGE`, or `INTERNAL` for what should not be possible. */
  readonly code: string;
  readonly message: string;
  /** False: it may have happened, or still happen. */
  readonly definite: boolean;
  readonly advice: string | undefined;
}

const ASK_STATUS = 'see "kvcli status" for the nodes that are missing';
const READ_IT_BACK = 'read the key to learn whether it was stored; sending the same value again does no harm';
const NOT_ANSWERED =
  'some commands have no reply, as SHUTDOWN and CLIENT REPLY OFF; of others, learn first whether it happened';
const OTHER_NODE = 'name another node with -h';

const ADVICE: Partial<Record<ErrorCode, string>> = {
  TOO_LARGE: `a key has at most ${formatCount(KEY_BYTES_MAX)} bytes, a value ${formatCount(VALUE_BYTES_MAX)}`,
  UNKNOWN_TYPE: 'the node is older than this kvcli: use one of the same version',
  QUORUM_UNAVAILABLE: `${ASK_STATUS}; start them, or lower -r or -w`,
  QUORUM_TIMEOUT: `${ASK_STATUS} or slow, or give it more time with --timeout`,
  BUSY: 'try again in a moment; where requests are too many, send fewer at once',
  CLOCK_NOT_READY: `try again in a few seconds, or ${OTHER_NODE}`,
  STORAGE_FAILED: `look at that node's log and disk; meanwhile ${OTHER_NODE}`,
  SYNCING: 'that node lost its data and is getting it back: "kvcli status" shows how far it is',
  EPOCH_MISMATCH: 'try again: the nodes are taking over a new configuration',
  CONFIG_CHANGING: 'try again in a moment: a node is being admitted',
  NOT_A_MEMBER: `wait until the node has joined, or ${OTHER_NODE}`,
  CONNECTION_LOST: `try again, or ${OTHER_NODE}`,
  CONNECT_FAILED: 'start one with "npm start" or name one with -h',
  TIMEOUT: `give it more time with --timeout, or ${OTHER_NODE}`,
  PROTOCOL: 'is that a Quoral node? check the address given with -h',
  INTERNAL: 'this is a defect of Quoral; please report it',
};

const REASONS = new Map([
  ['ECONNREFUSED', 'connection refused'],
  ['ECONNRESET', 'the connection was reset'],
  ['ENOTFOUND', 'no such host'],
  ['EAI_AGAIN', 'the host name cannot be looked up now'],
  ['EHOSTUNREACH', 'no way to that host'],
  ['ENETUNREACH', 'no way to that network'],
  ['ETIMEDOUT', 'no answer in time'],
]);

/** What there is to say about anything that was thrown. `hosts` are the addresses that were tried. */
export function viewError(error: unknown, effect: Effect, hosts: readonly string[] = []): ErrorView {
  if (error instanceof UsageError) {
    return { code: 'USAGE', message: error.message, definite: true, advice: error.advice };
  }
  if (!(error instanceof KvError)) {
    return {
      code: 'INTERNAL',
      message: messageOf(error),
      definite: effect === 'reads',
      advice: ADVICE.INTERNAL,
    };
  }
  const message = error.code === 'CONNECT_FAILED' ? connectMessage(error, hosts) : error.message;
  return { code: error.code, message, definite: error.definite, advice: adviceFor(error, effect) };
}

function adviceFor({ code, definite }: KvError, effect: Effect): string | undefined {
  if (definite || effect === 'reads') return ADVICE[code];
  if (effect === 'writes') return readItBack(code);
  if (code === 'TIMEOUT') return `${NOT_ANSWERED}; --timeout gives it more time`;
  return code === 'CONNECTION_LOST' ? NOT_ANSWERED : ADVICE[code];
}

/** One line, without the advice. */
export function errorLine(view: ErrorView, effect: Effect): string {
  if (view.code === 'USAGE') return view.message;
  const outcome = view.definite ? ' (did not happen)' : ' (may have happened)';
  return `${view.code}: ${view.message}${effect === 'reads' ? '' : outcome}`;
}

/** Writes the error to standard error, as text or JSON. */
export function writeError(
  output: Output,
  view: ErrorView,
  options: { program: string; effect: Effect; json: boolean },
): void {
  if (options.json) {
    output.note(JSON.stringify({ error: view }));
    return;
  }
  const { bold, red } = output.errorColour;
  const advice = view.advice === undefined ? '' : `; ${view.advice}`;
  output.note(`${bold(red(`${options.program}:`))} ${errorLine(view, options.effect)}${advice}`);
}

function readItBack(code: ErrorCode): string {
  const advice = ADVICE[code];
  return advice === undefined ? READ_IT_BACK : `${READ_IT_BACK}; ${advice}`;
}

function connectMessage(error: KvError, hosts: readonly string[]): string {
  if (hosts.length === 0) return error.message;
  const code = systemCode(error);
  const reason = code === undefined ? error.message : (REASONS.get(code) ?? code);
  return `no node answers at ${hosts.join(', ')}: ${reason}`;
}

/** The operating system's code (`ECONNREFUSED`) of an error or of what caused it. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, cause } = error as Error & { code?: unknown };
  if (typeof code === 'string' && /^E[A-Z_]+$/.test(code) && code !== 'EPOCH_MISMATCH') return code;
  const inner = error instanceof AggregateError ? error.errors[0] : undefined;
  return systemCode(cause) ?? systemCode(inner);
}
