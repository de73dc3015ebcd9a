/**
 * The comparer of the differential test must be able to find something: recorded replies in which single ones are altered,
 * and Redis against Redis with one reply altered on its way. It must also find nothing where nothing is: the intended
 * differences, and Redis against Redis as it is.
 */
import t from 'tap';
import { compare, render } from './differential/compare.js';
import { exchangeWith, type Outcome } from './differential/exchange.js';
import { isNeverSent } from './differential/intended-differences.js';
import { makeRound, type Round, type Sent } from './differential/round.js';
import { runRounds } from './differential/run.js';
import { encodeCommand } from './resp-client.js';
import { parseReplies } from './resp-reply.js';
import { startRedis } from './servers.js';
import { testWith } from './tools.js';

const SEED = 7;
const ROUNDS = 150;

/** Commands, and what redis-server 7.0.15 answered to each. */
const RECORDED: readonly (readonly [command: string, reply: string])[] = [
  ['SET key:1 value EX 1000', '+OK\r\n'],
  ['GET key:1', '$5\r\nvalue\r\n'],
  ['TTL key:1', ':1000\r\n'],
  ['PTTL key:1', ':999998\r\n'],
  ['TTL nothing', ':-2\r\n'],
  ['MGET key:1 nothing', '*2\r\n$5\r\nvalue\r\n$-1\r\n'],
  ['KEYS *', '*2\r\n$5\r\nkey:1\r\n$5\r\nkey:2\r\n'],
  ['SCAN 0', '*2\r\n$1\r\n0\r\n*2\r\n$5\r\nkey:1\r\n$5\r\nkey:2\r\n'],
  ['GET', "-ERR wrong number of arguments for 'get' command\r\n"],
  ['CLIENT ID', ':7\r\n'],
  ['RANDOMKEY', '$5\r\nkey:1\r\n'],
  ['COMMAND COUNT', ':240\r\n'],
  ['COMMAND GETKEYS GET a', '*1\r\n$1\r\na\r\n'],
  [
    'HELLO 2',
    '*14\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$6\r\n7.0.15\r\n$5\r\nproto\r\n:2\r\n$2\r\nid\r\n:7\r\n' +
      '$4\r\nmode\r\n$10\r\nstandalone\r\n$4\r\nrole\r\n$6\r\nmaster\r\n$7\r\nmodules\r\n*0\r\n',
  ],
  ['CONFIG GET maxmemory', '*2\r\n$9\r\nmaxmemory\r\n$1\r\n0\r\n'],
  ['CONFIG GET max*', '*2\r\n$9\r\nmaxmemory\r\n$1\r\n0\r\n'],
  ['ECHO end-of-round', '$12\r\nend-of-round\r\n'],
];

/** Replies that are wrong, and must be found: the command, and what takes the place of its reply. */
const WRONG: readonly (readonly [command: string, reply: string])[] = [
  ['SET key:1 value EX 1000', '+ok\r\n'],
  ['SET key:1 value EX 1000', '$2\r\nOK\r\n'],
  ['GET key:1', '$5\r\nvalu3\r\n'],
  ['GET key:1', '$-1\r\n'],
  ['GET key:1', '+value\r\n'],
  ['TTL key:1', ':900\r\n'],
  ['TTL key:1', ':-1\r\n'],
  ['PTTL key:1', ':1000\r\n'],
  ['TTL nothing', ':-1\r\n'],
  ['MGET key:1 nothing', '*2\r\n$-1\r\n$5\r\nvalue\r\n'],
  ['MGET key:1 nothing', '*2\r\n$5\r\nvalue\r\n_\r\n'],
  ['KEYS *', '*1\r\n$5\r\nkey:1\r\n'],
  ['KEYS *', '*2\r\n$5\r\nkey:1\r\n$5\r\nkey:1\r\n'],
  ['SCAN 0', '*2\r\n$1\r\n0\r\n*1\r\n$5\r\nkey:1\r\n'],
  ['SCAN 0', '*2\r\n:0\r\n*2\r\n$5\r\nkey:1\r\n$5\r\nkey:2\r\n'],
  ['GET', "-ERR wrong number of arguments for 'GET' command\r\n"],
  ['CLIENT ID', '$1\r\n7\r\n'],
  ['RANDOMKEY', '$-1\r\n'],
  ['COMMAND COUNT', '-ERR unknown\r\n'],
  ['COMMAND GETKEYS GET a', '*1\r\n$1\r\nb\r\n'],
  ['CONFIG GET maxmemory', '*2\r\n$9\r\nmaxmemory\r\n$1\r\n1\r\n'],
  ['CONFIG GET maxmemory', '*0\r\n'],
  [
    'HELLO 2',
    '*14\r\n$6\r\nserver\r\n$6\r\nquoral\r\n$7\r\nversion\r\n$5\r\n0.2.0\r\n$5\r\nproto\r\n:2\r\n$2\r\nid\r\n:7\r\n' +
      '$4\r\nmode\r\n$10\r\nstandalone\r\n$4\r\nrole\r\n$6\r\nmaster\r\n$7\r\nmodules\r\n*0\r\n',
  ],
  [
    'HELLO 2',
    '*14\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$6\r\n7.0.15\r\n$5\r\nproto\r\n:2\r\n$2\r\nid\r\n:7\r\n' +
      '$4\r\nmode\r\n$10\r\nstandalone\r\n$4\r\nrole\r\n$5\r\nslave\r\n$7\r\nmodules\r\n*0\r\n',
  ],
];

/** Replies that differ as they may. */
const RIGHT: readonly (readonly [command: string, reply: string])[] = [
  ['TTL key:1', ':998\r\n'],
  ['PTTL key:1', ':999000\r\n'],
  ['KEYS *', '*2\r\n$5\r\nkey:2\r\n$5\r\nkey:1\r\n'],
  ['SCAN 0', '*2\r\n$1\r\n0\r\n*2\r\n$5\r\nkey:2\r\n$5\r\nkey:1\r\n'],
  ['SCAN 0', '*2\r\n$2\r\n17\r\n*1\r\n$5\r\nkey:1\r\n'],
  ['CLIENT ID', ':123456\r\n'],
  ['RANDOMKEY', '$5\r\nkey:2\r\n'],
  ['COMMAND COUNT', ':50\r\n'],
  ['CONFIG GET max*', '*4\r\n$9\r\nmaxmemory\r\n$1\r\n0\r\n$10\r\nmaxclients\r\n$1\r\n0\r\n'],
  [
    'HELLO 2',
    '*14\r\n$6\r\nserver\r\n$6\r\nquoral\r\n$7\r\nversion\r\n$6\r\n7.0.15\r\n$5\r\nproto\r\n:2\r\n$2\r\nid\r\n:9\r\n' +
      '$4\r\nmode\r\n$10\r\nstandalone\r\n$4\r\nrole\r\n$6\r\nmaster\r\n$7\r\nmodules\r\n*0\r\n',
  ],
];

const ROUND: Round = {
  number: 1,
  sent: RECORDED.map(([command]) => asSent(command)),
  chunks: [],
  ending: 'marker',
  scans: [[]],
};

t.test('the recorded replies are the same as themselves', async (t) => {
  t.equal(compare(ROUND, recorded(), recorded()), undefined);
});

t.test('a reply that is wrong is found, and named', async (t) => {
  for (const [command, reply] of WRONG) {
    const at = RECORDED.findIndex(([recorded]) => recorded === command);
    const difference = compare(ROUND, recorded(), recorded([command, reply]));
    t.equal(difference?.at, at, `${command} → ${JSON.stringify(reply)}`);
    const text = difference === undefined ? '' : render(ROUND, difference);
    for (const word of command.split(' ')) t.ok(text.includes(word), `${word} is in the message`);
  }
});

t.test('what differs as intended is not found', async (t) => {
  for (const replacement of RIGHT)
    t.equal(compare(ROUND, recorded(), recorded(replacement)), undefined, replacement.join(' → '));
});

t.test('what differs in the end is found', async (t) => {
  const whole = recorded();
  const cases: readonly (readonly [string, Outcome])[] = [
    ['a reply too few', { ...whole, answers: whole.answers.slice(0, -1) }],
    ['a reply too many', { ...whole, answers: [...whole.answers, whole.answers[0]!] }],
    ['another end', { ...whole, ending: 'closed' }],
    ['another scan', { ...whole, scans: ['"key:1"'] }],
  ];
  for (const [name, other] of cases) {
    t.not(compare(ROUND, whole, other), undefined, name);
    t.not(compare(ROUND, other, whole), undefined, `${name}, the other way round`);
  }
  const closed = { ...whole, ending: 'not within 60000 ms' };
  t.not(compare(ROUND, closed, closed), undefined, 'both alike, but not as the round was meant');
});

t.test('what nodes answer otherwise on purpose is never sent', async (t) => {
  const never = [
    ['GET', ''],
    ['MSET', 'a', '1', '', '2'],
    ['get', 'x'.repeat(8193)],
    ['set', 'k', 'v', 'nx'],
    ['SET', 'k', 'v', 'EX', '10', 'GET'],
    ['SET', 'k', 'v', 'KEEPTTL'],
    ['SET', 'k', 'v', 'EXAT', '4398046512'],
    ['SET', 'k', 'v', 'PXAT', '9223372036854775807'],
    ['CLIENT', 'SETINFO', 'lib-name', 'x'],
    ['SET', 'k', 'v', 'PX', '1'],
    ['SET', 'k', 'v', 'EX', '100'],
    ['DEBUG', 'sleep', '1e3'],
    ['DEBUG', 'SLEEP', '0x10'],
    ['DEBUG', 'SLEEP', '9223372036854775808'],
  ];
  for (const words of never) t.ok(isNeverSent(asSent(words).words), words.join(' ').slice(0, 50));
  const fine = [
    ['SET', 'nx', 'xx'],
    ['SET', 'k', 'v', 'EX', '9223372036854775807'],
    ['SET', 'k', 'v', 'EXAT', '4398046511'],
    ['SET', 'k', 'v', 'EX', 'x'],
    ['PING', ''],
    ['MSET', 'a', ''],
    ['DEBUG', 'SLEEP', '0'],
    ['DEBUG', 'SLEEP', 'abc'],
  ];
  for (const words of fine) t.notOk(isNeverSent(asSent(words).words), words.join(' '));
});

t.test('a round is a function of its seed and number', async (t) => {
  for (let number = 0; number < 20; number++) {
    const round = makeRound(SEED, number);
    t.same(round, makeRound(SEED, number));
    const stream = Buffer.concat(round.sent.map(({ bytes }) => bytes));
    t.ok(Buffer.concat(round.chunks).equals(stream), 'the chunks are what is sent');
  }
  t.notSame(makeRound(SEED, 1).sent, makeRound(SEED, 2).sent);
  t.notSame(makeRound(SEED, 1).sent, makeRound(SEED + 1, 1).sent);
});

testWith(t, ['redis-server'], 'Redis against Redis shows no difference, until one is planted', async (t) => {
  const [one, two] = await Promise.all([startRedis(t), startRedis(t)]);
  const options = { seed: SEED, rounds: ROUNDS, redis: one.addresses, quoral: two.addresses };
  const plain = await runRounds(options);
  t.same(plain.report, []);
  t.equal(plain.rounds, ROUNDS);
  const exchange = exchangeWith(two.addresses);
  const altered = await runRounds({
    ...options,
    quoralExchange: async (round) => {
      const outcome = await exchange(round);
      return round.number === 3 ? withFirstChanged(outcome) : outcome;
    },
  });
  t.match(altered.differences, [{ round: 3, at: 0 }]);
  t.match(altered.report[0], /QUORAL_DIFFERENTIAL_SEED=7, round 3, .*quoral: "\+altered/s);
});

function asSent(command: string | readonly string[]): Sent {
  const words = (typeof command === 'string' ? command.split(' ') : command).map((word) => Buffer.from(word));
  return { words, bytes: encodeCommand(words), form: 'array', isSilent: false };
}

/** The recorded replies, of which one may be replaced. */
function recorded(replacement?: readonly [command: string, reply: string]): Outcome {
  const texts = RECORDED.map(([command, reply]) => (command === replacement?.[0] ? replacement[1] : reply));
  const { replies, slices } = parseReplies(Buffer.from(texts.join('')));
  const answers = replies.map((reply, i) => ({ reply, bytes: slices[i]! }));
  return { answers, ending: 'marker', scans: ['"key:1" "key:2"'] };
}

function withFirstChanged(outcome: Outcome): Outcome {
  const answers = [...outcome.answers];
  answers[0] = { reply: { kind: 'simple', text: 'altered' }, bytes: Buffer.from('+altered\r\n') };
  return { ...outcome, answers };
}
