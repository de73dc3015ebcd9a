/** A small reader of replies, written without the code under test, for its tests. */

/** A reply with its type: `+`, `$`, `*` and so on; collections hold the replies in them. */
export type ReadReply = readonly [type: string, content: string | null | readonly ReadReply[]];

/** All replies in `bytes`, as latin1. Throws when the bytes are not a sequence of whole replies. */
export function readReplies(bytes: Uint8Array): ReadReply[] {
  const text = Buffer.from(bytes).toString('latin1');
  const replies: ReadReply[] = [];
  let at = 0;

  const line = (): string => {
    const end = text.indexOf('\r\n', at);
    if (end < 0) throw new Error(`a line without an end at ${at}`);
    const found = text.slice(at, end);
    at = end + 2;
    return found;
  };
  const next = (): ReadReply => {
    const type = text[at++]!;
    const head = line();
    if ('+-:,(#_'.includes(type)) return [type, head];
    if (!/^(?:-1|0|[1-9]\d*)$/.test(head)) throw new Error(`${type}${head} is no length`);
    const length = Number(head);
    if (length < 0) return [type, null];
    if (type === '$' || type === '=') {
      const content = text.slice(at, at + length);
      at += length + 2;
      if (text.slice(at - 2, at) !== '\r\n') throw new Error(`a string without an end at ${at}`);
      return [type, content];
    }
    if (!'*%~>'.includes(type)) throw new Error(`${type} is no type`);
    return [type, Array.from({ length: type === '%' ? length * 2 : length }, next)];
  };

  while (at < text.length) replies.push(next());
  return replies;
}
