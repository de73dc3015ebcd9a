/** Writes a request's frame into a connection's outbox. */
import { writeBody } from '../wire/body.js';
import { writeDelete, writeGet, writeSet } from '../wire/client-messages.js';
import { DELETE, GET, SET } from '../wire/message-type.js';
import type { Outbox } from '../wire/outbox.js';
import type { Request } from './request.js';

/** Filled anew for every SET, so that none of them makes an object. */
const setFields = { w: 0, budgetMs: 0, expiry: 0, absolute: false };

/** Writes `request` under its current id. `leftMs` is what remains of its time: the node gives up when it is over. */
export function writeRequest(outbox: Outbox, request: Request, leftMs: number): void {
  // 0 would mean the node's default.
  const budgetMs = Math.max(1, Math.floor(leftMs));
  switch (request.type) {
    case GET:
      writeGet(outbox, request.id, request.key, request.quorum, budgetMs, request.noValue);
      break;
    case SET:
      setFields.w = request.quorum;
      setFields.budgetMs = budgetMs;
      setFields.expiry = request.expiry;
      setFields.absolute = request.expiryAbsolute;
      writeSet(outbox, request.id, request.key, request.value, setFields);
      break;
    case DELETE:
      writeDelete(outbox, request.id, request.key, request.quorum, budgetMs);
      break;
    default:
      writeBody(
        outbox,
        request.type,
        request.id,
        request.body,
        request.key.length > 0 ? request.key : undefined,
      );
  }
}
