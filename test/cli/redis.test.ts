/** `kvcli redis`: what is sent, what is shown, and how it ends. */
import t from 'tap';
import { AutoClock } from './auto-clock.js';
import { FakeClient } from './fake-client.js';
import { FakeRedis, type Script } from './fake-redis.js';
import { kvcli, type RunOptions } from './kvcli-run.js';

/** One run against nodes that answer as the script says. */
async function run(
  script: Script,
  args: readonly string[],
  options: RunOptions & { network?: FakeRedis } = {},
) {
  const network = options.network ?? new FakeRedis(script);
  const { exitCode, output } = await kvcli(args, { network, ...options });
  const { text, notes, bytes } = output;
  return { exitCode, text, notes, bytes, network, asked: network.commands.slice(1) };
}

const OK: Script = () => '+OK\r\n';

t.test('the words are sent as they are', async (t) => {
  const cases: [args: string[], asked: string[]][] = [
    [['redis', 'PING'], ['PING']],
    [
      ['redis', 'set', 'k', 'é "x"', ''],
      ['set', 'k', 'é "x"', ''],
    ],
    [
      ['redis', 'SET', 'k', '-r', '--json', '-h'],
      ['SET', 'k', '-r', '--json', '-h'],
    ],
    [
      ['redis', 'GETRANGE', 'k', '0', '-1'],
      ['GETRANGE', 'k', '0', '-1'],
    ],
    [
      ['redis', 'SET', '--help'],
      ['SET', '--help'],
    ],
    [
      ['redis', 'SET', 'k', '--', 'v'],
      ['SET', 'k', '--', 'v'],
    ],
    [
      ['redis', '--resp3', 'GET', '--resp3'],
      ['GET', '--resp3'],
    ],
    [
      ['redis', '--timeout', '5s', 'redis', '-w'],
      ['redis', '-w'],
    ],
    [
      ['--timeout', '5s', 'redis', 'GET', '-h', 'x'],
      ['GET', '-h', 'x'],
    ],
    [
      ['redis', '--', '--odd', '-r'],
      ['--odd', '-r'],
    ],
  ];
  for (const [args, asked] of cases) {
    const result = await run(OK, args);
    t.same(result.asked, [asked], args.join(' '));
    t.equal(result.exitCode, 0, `${args.join(' ')} ${result.notes}`);
    t.equal(result.network.open, 0, 'the connection is closed');
  }
});

t.test('at a terminal, redirected, as JSON; exit codes', async (t) => {
  const script: Script = ([name]) =>
    ({ GET: '$5\r\nhello\r\n', NONE: '$-1\r\n', TTL: ':1\r\n', LIST: '*2\r\n+a\r\n_\r\n' })[name!] ??
    '-ERR no\r\n';
  const cases: [name: string, exitCode: number, terminal: string, raw: string, json: string][] = [
    ['GET', 0, '"hello"\n', 'hello\n', '"hello"\n'],
    ['NONE', 1, '(nil)\n', '\n', 'null\n'],
    ['TTL', 0, '(integer) 1\n', '1\n', '1\n'],
    ['LIST', 0, '1) a\n2) (nil)\n', 'a\n\n', '["a",null]\n'],
    ['NOPE', 2, '', '', ''],
  ];
  for (const [name, exitCode, terminal, raw, json] of cases) {
    const shown = await run(script, ['redis', name], { isTerminal: true });
    const piped = await run(script, ['redis', name]);
    const asJson = await run(script, ['redis', '--json', name]);
    t.same([shown.exitCode, piped.exitCode, asJson.exitCode], [exitCode, exitCode, exitCode], name);
    t.same([shown.text, piped.text, asJson.text], [terminal, raw, json], name);
    if (exitCode !== 2) continue;
    t.same(shown.notes, ['(error) ERR no']);
    t.same(JSON.parse(asJson.notes[0]!), { error: { code: 'ERR', message: 'no', definite: true } });
  }
  const binary = await run(() => '$3\r\n\0\xff\n\r\n', ['redis', 'GET', 'k']);
  t.same([...binary.bytes], [0, 255, 10, 10]);
});

t.test('text in lines is shown so', async (t) => {
  const script: Script = () => '$12\r\n# Server\r\na:\r\n';
  for (const words of [['INFO'], ['info', 'server'], ['Client', 'List']]) {
    t.equal((await run(script, ['redis', ...words], { isTerminal: true })).text, '# Server\na:\n');
  }
  t.equal((await run(script, ['redis', 'GET', 'INFO'], { isTerminal: true })).text, '"# Server\\r\\na:"\n');
});

t.test('an error that leaves open what happened says so', async (t) => {
  const script: Script = () => '-QUORUM_TIMEOUT 1 of 2 acks; it may have happened\r\n';
  const { notes, exitCode } = await run(script, ['redis', '--json', 'SET', 'k', 'v']);
  t.equal(exitCode, 2);
  const { error } = JSON.parse(notes[0]!) as { error: { code: string; definite: boolean } };
  t.same([error.code, error.definite], ['QUORUM_TIMEOUT', false]);
});

t.test('wrong arguments: how the command is written', async (t) => {
  const script: Script = (words) => `-ERR wrong number of arguments for '${words[0]}' command\r\n`;
  const set = await run(script, ['redis', 'set', 'k']);
  t.equal(set.exitCode, 2);
  t.match(set.notes, [/^\(error\) ERR wrong number/, /^SET key value \[EX seconds \| .*\]\n {4}Sets a key/]);
  const kill = await run(script, ['redis', 'client', 'kill']);
  t.match(kill.notes[1], /^CLIENT KILL </);
  const json = await run(script, ['redis', '--json', 'GET']);
  t.match(JSON.parse(json.notes[0]!), { error: { code: 'ERR', advice: 'GET key: The value of a key.' } });
  t.equal((await run(script, ['redis', 'NOT-HERE'])).notes.length, 1, 'the node may know more commands');
  t.equal((await run(() => '-ERR syntax error\r\n', ['redis', 'SET'])).notes.length, 1);
});

t.test('help, without asking a node', async (t) => {
  const general = await run(OK, ['redis', '--help']);
  t.match(general.text, /^Usage: kvcli redis [\s\S]*Commands of Redis:\n {2}ASKING AUTH CLIENT /);
  const one = await run(OK, ['redis', '--help', 'get']);
  t.equal(one.text, 'GET key\n    The value of a key.\n');
  t.match((await run(OK, ['help', 'redis'])).text, /^Usage: kvcli redis /);
  const none = await run(OK, ['redis', '--help', 'nope']);
  t.match(none.notes, [/^kvcli: this kvcli knows no command nope of Redis; the node may; see /]);
  t.same([general.exitCode, one.exitCode, none.exitCode], [0, 0, 2]);
  for (const { network } of [general, one, none]) t.same(network.hosts, []);
});

t.test('what cannot be meant is refused before anything is sent', async (t) => {
  const cases: [args: string[], problem: RegExp][] = [
    [['redis'], /a command of Redis is missing/],
    [['redis', '--hex', 'GET', 'k'], /redis takes no --hex/],
    [['--hex-keys', 'redis', 'GET', 'k'], /redis takes no --hex/],
    [['redis', '--nope', 'GET', 'k'], /unknown option '--nope'/],
    [['redis', '--timeout', '31s', 'GET'], /timeout/],
  ];
  for (const [args, problem] of cases) {
    const { exitCode, notes, network } = await run(OK, args);
    t.equal(exitCode, 2);
    t.match(notes, [problem]);
    t.same(network.hosts, []);
  }
});

t.test('version 3, and quorums, are agreed on before the command', async (t) => {
  t.same((await run(OK, ['redis', '--resp3', 'GET', 'k'])).network.commands, [
    ['HELLO', '3'],
    ['GET', 'k'],
  ]);
  const both = await run(OK, ['-r', '1', 'redis', 'GET', 'k']);
  t.same(both.network.commands, [['PING'], ['QUORAL', 'LEVEL', '1', '0'], ['GET', 'k']]);
  const refused = await run(
    ([name]) => (name === 'QUORAL' ? '-ERR no\r\n' : '+OK\r\n'),
    ['redis', '-w', '3', 'GET'],
  );
  t.same([refused.exitCode, refused.notes, refused.asked.length], [2, ['(error) ERR no'], 1]);
  const network = new FakeRedis(() => '-NOPROTO unsupported\r\n');
  network.greets = false;
  const old = await run(OK, ['redis', '--resp3', 'GET', 'k'], { network });
  t.same([old.exitCode, old.notes, old.asked], [2, ['(error) NOPROTO unsupported'], []]);
});

t.test('the first host that answers', async (t) => {
  const network = new FakeRedis(OK);
  network.refusing.add('a:1');
  network.silent.add('b:1');
  const { exitCode } = await run(OK, ['-h', 'a:1,b:1,c:1,d:1', 'redis', 'PING'], { network });
  t.equal(exitCode, 0);
  t.same(network.hosts, ['a:1', 'b:1', 'c:1']);
});

t.test('no host that answers: nothing happened', async (t) => {
  const refusing = new FakeRedis(OK);
  refusing.refusing.add('a:1');
  const refused = await run(OK, ['-h', 'a:1', 'redis', 'SET', 'k', 'v'], { network: refusing });
  t.match(refused.notes, [
    /^kvcli: CONNECT_FAILED: no node answers at a:1: connection refused \(did not happen\); start one/,
  ]);
  const silent = new FakeRedis(OK);
  silent.silent.add('a:1');
  const unconnected = await run(OK, ['-h', 'a:1', 'redis', '--timeout', '1500', 'PING'], { network: silent });
  t.match(unconnected.notes, [
    /^kvcli: TIMEOUT: a:1: cannot connect to a:1 in 1,500 ms \(did not happen\); give it/,
  ]);
  for (const [answer, problem] of [
    [
      'HTTP/1.1 400 Bad Request\r\n\r\n',
      /^kvcli: PROTOCOL: a:1: what came is no reply of Redis: "H" begins no reply \(did not happen\); is that a Quoral node/,
    ],
    ['', /^kvcli: TIMEOUT: a:1: no reply in 3,000 ms \(did not happen\)/],
    [null, /^kvcli: CONNECTION_LOST: a:1: the node ended the connection without a reply \(did not happen\)/],
  ] as const) {
    const network = new FakeRedis(() => answer);
    network.greets = false;
    const { exitCode, notes } = await run(OK, ['-h', 'a:1', 'redis', 'SET', 'k', 'v'], { network });
    t.equal(exitCode, 2);
    t.match(notes, [problem]);
    t.same(network.commands, [['PING']]);
    t.equal(network.open, 0);
  }
});

t.test('a command that is not answered ends, and says that it may have happened', async (t) => {
  const cases: [answer: string | null, problem: RegExp][] = [
    [
      '',
      /^kvcli: TIMEOUT: no reply in 700 ms \(may have happened\); some commands have no reply, as SHUTDOWN/,
    ],
    [
      null,
      /^kvcli: CONNECTION_LOST: the node ended the connection without a reply \(may have happened\); some commands/,
    ],
    ['*2\r\n:1\r\n', /^kvcli: TIMEOUT: the reply did not end in 700 ms \(may have happened\)/],
    ['>1\r\n+a\r\n', /^kvcli: TIMEOUT: no reply in 700 ms, but what is shown \(may have happened\)/],
    ['?', /^kvcli: PROTOCOL: what came is no reply of Redis: .* \(may have happened\)/],
  ];
  for (const [answer, problem] of cases) {
    const { exitCode, notes, network, text } = await run(() => answer, ['redis', '--timeout', '700', 'X']);
    t.equal(exitCode, 2);
    t.match(notes, [problem]);
    t.equal(network.open, 0);
    t.equal(text, answer?.startsWith('>') ? 'a\n' : '', 'what was pushed is shown');
  }
  const default2s = await run(() => '', ['redis', 'CLIENT', 'REPLY', 'OFF']);
  t.match(default2s.notes, [/no reply in 2,000 ms/]);
});

t.test('a node that keeps sending: its first reply, and what it pushed before', async (t) => {
  const monitor = await run(() => '+OK\r\n+1\r\n+2\r\n', ['redis', 'MONITOR']);
  t.same([monitor.exitCode, monitor.text], [0, 'OK\n']);
  const subscribed = await run(() => '>1\r\n+a\r\n>1\r\n+b\r\n:1\r\n', ['redis', '--resp3', 'X']);
  t.same([subscribed.exitCode, subscribed.text], [0, 'a\nb\n1\n']);
});

t.test('interrupted', async (t) => {
  const interrupt = new AbortController();
  const script: Script = () => {
    setImmediate(() => interrupt.abort());
    return '';
  };
  const { exitCode, notes, network } = await run(script, ['redis', 'X'], { signal: interrupt.signal });
  t.equal(exitCode, 2);
  t.match(notes, [/^kvcli: ABORTED: interrupted before the node answered \(may have happened\)/]);
  t.equal(network.open, 0);
  const before = await run(OK, ['-h', 'a:1,b:1', 'redis', 'X'], { signal: AbortSignal.abort() });
  t.match(before.notes, [/ABORTED: .* \(did not happen\)/]);
  t.same(before.network.commands, []);
});

t.test('no timer is left, and a large reply comes whole', async (t) => {
  const clock = new AutoClock();
  const value = 'x'.repeat(100_000);
  const { text } = await run(() => `$${value.length}\r\n${value}\r\n`, ['redis', 'GET', 'k'], {
    client: new FakeClient(clock),
  });
  t.equal(text, `${value}\n`);
  t.equal(clock.pending, 0);
});

t.test('at the prompt: each line a connection; no option of kvcli after the command', async (t) => {
  const network = new FakeRedis(([name]) => (name === 'GET' ? '$1\r\nv\r\n' : '-ERR no\r\n'));
  const input = 'redis GET -r\nredis NOPE\nredis --json GET k\n';
  const { exitCode, output } = await kvcli(['--timeout', '500'], { network, input });
  t.equal(exitCode, 2);
  t.equal(output.text, 'v\n"v"\n');
  t.same(output.notes, ['(error) ERR no']);
  t.equal(network.hosts.length, 3);
});
