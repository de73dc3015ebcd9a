/** Replies as they are shown: at a terminal, redirected, and as JSON. */
import t from 'tap';
import { replyBytes, replyJson, replyText } from '../../cli/redis/reply-text.js';
import { type Reply, ReplyReader } from '../../src/wire/resp/reply-reader.js';

const reply = (text: string): Reply => new ReplyReader().read(Buffer.from(text, 'latin1'))[0]!;
const bulk = (text: string) => {
  const bytes = Buffer.from(text);
  return `$${bytes.length}\r\n${bytes.toString('latin1')}\r\n`;
};

const SHOWN: readonly [bytes: string, terminal: string, raw: string, json: string][] = [
  ['+OK\r\n', 'OK', 'OK', '"OK"'],
  [':-7\r\n', '(integer) -7', '-7', '-7'],
  [':9007199254740993\r\n', '(integer) 9007199254740993', '9007199254740993', '"9007199254740993"'],
  [bulk('a'), '"a"', 'a', '"a"'],
  [bulk(''), '""', '', '""'],
  [bulk('"é"\n\\'), '"\\"é\\"\\n\\\\"', '"é"\n\\', '"\\"é\\"\\n\\\\"'],
  ['$-1\r\n', '(nil)', '', 'null'],
  ['_\r\n', '(nil)', '', 'null'],
  ['#t\r\n', '(true)', '(true)', 'true'],
  ['#f\r\n', '(false)', '(false)', 'false'],
  [',1.50\r\n', '(double) 1.50', '1.50', '1.5'],
  [',inf\r\n', '(double) inf', 'inf', '"inf"'],
  [
    '(123456789012345678901\r\n',
    '(big number) 123456789012345678901',
    '123456789012345678901',
    '"123456789012345678901"',
  ],
  ['=8\r\ntxt:a\r\nb\r\n', 'a\nb', 'a\r\nb', '"a\\r\\nb"'],
  ['*0\r\n', '(empty array)', '', '[]'],
  ['~0\r\n', '(empty set)', '', '[]'],
  ['%0\r\n', '(empty hash)', '', '{}'],
  ['>0\r\n', '(empty push)', '', '[]'],
  [
    '*3\r\n:1\r\n-ERR no\r\n_\r\n',
    '1) (integer) 1\n2) (error) ERR no\n3) (nil)',
    '1\nERR no\n',
    '[1,{"error":"ERR no"},null]',
  ],
  ['~2\r\n+a\r\n+b\r\n', '1~ a\n2~ b', 'a\nb', '["a","b"]'],
  ['>2\r\n+a\r\n+b\r\n', '1) a\n2) b', 'a\nb', '["a","b"]'],
  [
    `%2\r\n${bulk('k')}:1\r\n${bulk('l')}*2\r\n:2\r\n:3\r\n`,
    '1# "k" => (integer) 1\n2# "l" => 1) (integer) 2\n   2) (integer) 3',
    'k 1\nl 2\n3',
    '{"k":1,"l":[2,3]}',
  ],
  ['%1\r\n:1\r\n+a\r\n', '1# (integer) 1 => a', '1 a', '[[1,"a"]]'],
  [
    '%2\r\n+a\r\n:1\r\n+a\r\n:2\r\n',
    '1# a => (integer) 1\n2# a => (integer) 2',
    'a 1\na 2',
    '[["a",1],["a",2]]',
  ],
  [
    '*2\r\n*2\r\n:1\r\n*1\r\n:2\r\n*0\r\n',
    '1) 1) (integer) 1\n   2) 1) (integer) 2\n2) (empty array)',
    '1\n2\n',
    '[[1,[2]],[]]',
  ],
];

t.test('every type of reply', async (t) => {
  for (const [bytes, terminal, raw, json] of SHOWN) {
    t.equal(replyText(reply(bytes)), terminal, `${JSON.stringify(bytes)} at a terminal`);
    t.equal(
      Buffer.from(replyBytes(reply(bytes))).toString(),
      `${raw}\n`,
      `${JSON.stringify(bytes)} redirected`,
    );
    t.equal(JSON.stringify(replyJson(reply(bytes))), json, `${JSON.stringify(bytes)} as JSON`);
  }
});

t.test('ten items and more stand in a column', async (t) => {
  const text = replyText(reply(`*2\r\n:0\r\n*10\r\n${':1\r\n'.repeat(9)}*2\r\n:1\r\n:2\r\n`));
  const rows = text.split('\n');
  t.equal(rows[1], '2)  1) (integer) 1');
  t.equal(rows[9], '    9) (integer) 1');
  t.equal(rows[10], '   10) 1) (integer) 1');
  t.equal(rows[11], '       2) (integer) 2');
});

t.test('bytes that are no text: escaped, as they are, and as base64', async (t) => {
  const binary = reply('$3\r\n\0\xff"\r\n');
  t.equal(replyText(binary), '"\\x00\\xff\\""');
  t.same([...replyBytes(binary)], [0, 255, 0x22, 0x0a]);
  t.same(replyJson(binary), { valueBase64: 'AP8i' });
  t.same(replyJson(reply('*1\r\n$1\r\n\xff\r\n')), [{ valueBase64: '/w==' }]);
  t.same(replyJson(reply('%1\r\n$1\r\n\xff\r\n:1\r\n')), [[{ valueBase64: '/w==' }, 1]]);
  t.same(Object.entries(replyJson(reply('%1\r\n+__proto__\r\n:1\r\n')) as object), [['__proto__', 1]]);
});

t.test('nothing that could harm reaches a terminal', async (t) => {
  const evil = '\x1b[2J\x9b';
  for (const bytes of [`+${evil}\r\n`, `-${evil}\r\n`, `$5\r\n${evil}\r\n`, `=9\r\ntxt:${evil}\r\n`]) {
    t.notMatch(replyText(reply(bytes)), /\p{Cc}/u, JSON.stringify(bytes));
    t.notMatch(replyText(reply(bytes), { isPlain: true }), /\p{Cc}/u, JSON.stringify(bytes));
  }
  t.equal(replyText(reply('$8\r\na\tb\r\n\x1b\r\n\r\n'), { isPlain: true }), 'a\tb\n\\x1b', 'line by line');
  t.equal(
    replyText(reply('*1\r\n$3\r\na\nb\r\n'), { isPlain: true }),
    '1) "a\\nb"',
    'only the answer itself',
  );
});
