/**
 * Replies as values, for commands whose answer is data of any shape. What is on the request path writes its reply piece
 * by piece instead.
 */

/**
 * A reply of any shape. What JavaScript says by itself needs no more:
 *
 * - a string is a bulk string of UTF-8, a Uint8Array one of bytes;
 * - a number is an integer when it is a safe one, and otherwise a double; a bigint is an integer when 64 bits hold it, and
 *   otherwise a big number;
 * - a boolean, null and undefined are a boolean and nil;
 * - an array, a Map and a Set are what they are called; any other object is a map from its names, without the fields that are
 *   undefined.
 *
 * The rest is said with {@link typedReply}.
 */
export type ReplyValue =
  | string
  | Uint8Array
  | number
  | bigint
  | boolean
  | null
  | undefined
  | TypedReply
  | readonly ReplyValue[]
  | ReadonlyMap<ReplyValue, ReplyValue>
  | ReadonlySet<ReplyValue>
  | { readonly [name: string]: ReplyValue };

/** What has no JavaScript type of its own. */
export type TypedContent =
  | { readonly type: 'status' | 'error' | 'verbatim' | 'bigNumber'; readonly text: string }
  | { readonly type: 'double'; readonly number: number }
  | { readonly type: 'nilArray' }
  | { readonly type: 'push'; readonly items: readonly ReplyValue[] };

/** A reply of a type that is named. A class of its own, so that no data can be taken for one. */
export class TypedReply {
  readonly content: TypedContent;

  constructor(content: TypedContent) {
    this.content = content;
  }
}

/** For example `typedReply({ type: 'status', text: 'OK' })`. */
export function typedReply(content: TypedContent): TypedReply {
  return new TypedReply(content);
}
