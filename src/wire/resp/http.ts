/**
 * Recognizes HTTP on a connection that should speak the Redis protocol. A browser can be made to send a request to any
 * port, with commands in its body that would run as inline requests; so a connection is closed at the first line that
 * looks like HTTP. A multibulk request never does: no HTTP client can send one before its own first line.
 */
import type { RequestArguments } from './request-arguments.js';

const HTTP_VERSION = /^HTTP\/\d/i;
const METHOD_ALONE = /^POST$/i;
const CONNECT = /^CONNECT$/i;
/** Names before a colon are made of these (RFC 9110 §5.1). No command has a colon in its name. */
const HEADER = /^[-!#$%&'*+.^_`|~0-9a-z]+:/i;
const TARGET = /^(?:[/*]|[a-z][-+.0-9a-z]*:\/\/)/i;
/** A longer first word is neither a command nor a header that matters; this bounds what is looked at. */
const LOOKED_AT_BYTES_MAX = 256;

/**
 * Whether an inline request is the first line or a header of an HTTP request: `POST …`, `Host: …`, `GET / HTTP/1.1`. Any method
 * counts in the last, since a script in a browser may choose its name.
 */
export function looksLikeHttp(args: RequestArguments): boolean {
  if (!args.isInline || args.length(0) > LOOKED_AT_BYTES_MAX) return false;
  const name = args.text(0);
  if (METHOD_ALONE.test(name) || HEADER.test(name)) return true;
  const last = args.count - 1;
  if (last < 2 || args.length(last) > LOOKED_AT_BYTES_MAX || !HTTP_VERSION.test(args.text(last)))
    return false;
  return CONNECT.test(name) || TARGET.test(args.text(1));
}
