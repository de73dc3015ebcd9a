import { readFileSync, statSync } from 'node:fs';
import { PassThrough } from 'node:stream';
import { test } from 'tap';
import { grammar } from '../../cli/kvcli-main.js';
import { complete, type Grammar } from '../../cli/prompt/completer.js';
import { HISTORY_LINES_MAX, History } from '../../cli/prompt/history.js';
import { runPrompt } from '../../cli/prompt/prompt.js';
import { tokenize } from '../../cli/prompt/tokenizer.js';
import { namesTree, redisCommands } from '../../cli/redis/command-docs.js';
import { DONE, type ExitCode, FAILED } from '../../cli/session.js';
import { definite } from '../../src/base/errors.js';
import { AutoClock } from './auto-clock.js';
import { FakeClient } from './fake-client.js';
import { kvcli } from './kvcli-run.js';

test('a line is split as a shell splits it', async (t) => {
  const cases: [string, string[], string?][] = [
    ['', []],
    ['  get   k  ', ['get', 'k']],
    [`set k 'a b'`, ['set', 'k', 'a b']],
    [`set k "a \\"b\\" \\n\\t\\\\"`, ['set', 'k', 'a "b" \n\t\\']],
    [`set k "\\d"`, ['set', 'k', '\\d']],
    [`'\\n'`, ['\\n']],
    [`a\\ b c`, ['a b', 'c']],
    [`pre"mid"'post'`, ['premidpost']],
    [`set k ''`, ['set', 'k', '']],
    [`set k ""`, ['set', 'k', '']],
    [`it\\'s`, [`it's`]],
    [`set k 'open`, ['set', 'k', 'open'], `'`],
    [`set k "open \\"`, ['set', 'k', 'open "'], `"`],
    [`set k x\\`, ['set', 'k', 'x'], '\\'],
  ];
  for (const [line, words, unclosed] of cases) {
    const tokens = tokenize(line);
    t.same(
      tokens.words.map((word) => word.text),
      words,
      JSON.stringify(line),
    );
    t.equal(tokens.unclosed, unclosed, JSON.stringify(line));
  }
  t.same(tokenize('ab  "c"').words, [
    { text: 'ab', start: 0, isQuoted: false },
    { text: 'c', start: 4, isQuoted: true },
  ]);
});

const GRAMMAR: Grammar = {
  commands: new Map([
    ['get', []],
    ['scan', ['--values', '--limit']],
    ['redis', []],
    ['set', ['--ttl']],
    ['status', ['--all']],
    ['help', []],
  ]),
  words: new Map([['redis', new Map([['CLIENT', new Map([['KILL', new Map()]])]])]]),
  globalOptions: ['--json', '-r'],
};

test('completion', async (t) => {
  const cases: [string, string[], string][] = [
    ['', ['get', 'help', 'redis', 'scan', 'set', 'status'], ''],
    ['s', ['scan', 'set', 'status'], 's'],
    ['st', ['status '], 'st'],
    ['  st', ['status '], 'st'],
    ['x', [], 'x'],
    ['get', ['get '], 'get'],
    ['get ', [], ''],
    ['scan --v', ['--values '], '--v'],
    ['scan -', ['--json', '--limit', '--values', '-r'], '-'],
    ['set k v --t', ['--ttl '], '--t'],
    ['set k -- --t', [], '--t'],
    ['get --t', [], '--t'],
    ['help s', ['scan', 'set', 'status'], 's'],
    ['help scan -', [], '-'],
    ['nope --j', [], '--j'],
    ['set "k', [], 'set "k'],
    ['set k "--t"', [], 'set k "--t"'],
  ];
  for (const [line, hits, fragment] of cases)
    t.same(complete(line, GRAMMAR), [hits, fragment], JSON.stringify(line));
});

test('completion knows the commands of an operator', async (t) => {
  const cases: [string, string[], string][] = [
    ['rep', ['repair '], 'rep'],
    ['repair --s', ['--slot '], '--s'],
    ['members --w', ['--watch '], '--w'],
    ['status --v', ['--verbose '], '--v'],
    ['log', ['log-level '], 'log'],
    ['log-level ', ['debug', 'info', 'warn', 'error'], ''],
    ['log-level d', ['debug '], 'd'],
    ['log-level debug ', [], ''],
    ['log-level --al', ['--all '], '--al'],
  ];
  for (const [line, hits, fragment] of cases)
    t.same(complete(line, grammar()), [hits, fragment], JSON.stringify(line));
});

test('completion knows the commands of Redis, in any case', async (t) => {
  const redis = grammar(namesTree(await redisCommands()));
  const cases: [string, string[] | RegExp, string][] = [
    ['red', ['redis '], 'red'],
    ['redis ', /^ASKING,AUTH,.*GET,.*UNLINK$/, ''],
    ['redis mge', ['MGET '], 'mge'],
    ['redis CLU', ['CLUSTER '], 'CLU'],
    ['redis cl', ['CLIENT', 'CLUSTER'], 'cl'],
    ['redis CLIENT ', /^GETNAME,HELP,ID,.*KILL,.*SETNAME$/, ''],
    ['redis client no', ['NO-EVICT', 'NO-TOUCH'], 'no'],
    ['redis --resp3 --json Client kI', ['KILL '], 'kI'],
    ['redis CLIENT KILL ', [], ''],
    ['redis GET ', [], ''],
    ['redis NOPE ', [], ''],
    ['redis NOPE KI', [], 'KI'],
    ['redis --r', ['--resp3 '], '--r'],
    ['redis GET --r', [], '--r'],
    ['log-level --all D', ['debug '], 'D'],
    ['get CL', [], 'CL'],
  ];
  for (const [line, hits, fragment] of cases) {
    const [found, replaced] = complete(line, redis);
    if (Array.isArray(hits)) t.same(found, hits, JSON.stringify(line));
    else t.match([...found].sort().join(), hits, JSON.stringify(line));
    t.equal(replaced, fragment);
  }
});

test('history: kept privately, cut to size, without secrets and repetitions', async (t) => {
  const path = `${t.testdir({})}/history`;
  const problems: string[] = [];
  const history = new History(path, (problem) => problems.push(problem));
  t.same(await history.load(), []);
  for (const line of ['get a', 'get a', ' set password x', '', 'get b', 'get a']) await history.add(line);
  t.equal(readFileSync(path, 'utf8'), 'get a\nget b\nget a\n');
  t.equal(statSync(path).mode & 0o777, 0o600);
  for (let i = 0; i < HISTORY_LINES_MAX; i += 1) await history.add(`get ${i}`);
  const lines = await new History(path, () => {}).load();
  t.equal(lines.length, HISTORY_LINES_MAX);
  t.equal(lines.at(-1), `get ${HISTORY_LINES_MAX - 1}`);
  t.equal(readFileSync(path, 'utf8').split('\n').length, HISTORY_LINES_MAX + 1, 'the file is cut as well');
  t.same(problems, []);
});

test('a history that cannot be used is told once, and harms nothing', async (t) => {
  const problems: string[] = [];
  const history = new History(t.testdir({}), (problem) => problems.push(problem));
  t.same(await history.load(), []);
  await history.add('a');
  await history.add('b');
  t.match(problems, [/^the history is not kept: EISDIR/]);
});

test('piped lines are commands; the exit code is that of the worst', async (t) => {
  const client = new FakeClient(new AutoClock());
  const input = `# a comment\nset k 'two words'\nget k\n\nget none\nexit\nget never\n`;
  const { output, exitCode } = await kvcli([], { client, input });
  t.equal(exitCode, 0);
  t.equal(output.text, 'two words');
  t.same(output.notes, []);
  t.same(
    client.calls.map(({ key }) => key),
    ['k', 'k', 'none'],
  );
});

test('errors do not end the prompt', async (t) => {
  const client = new FakeClient(new AutoClock());
  client.writeFault = (key) =>
    key === 'b' ? { error: definite('BUSY', 'busy'), isApplied: false } : undefined;
  const input = `gte k\nset 'k\nset b 1\nset a -\nset a 1 -h x:1\nset a 1\n`;
  const { output, exitCode } = await kvcli([], { client, input });
  t.equal(exitCode, 2);
  t.match(output.notes, [
    /^kvcli: unknown command 'gte' \(Did you mean get\?\); see "help"$/,
    /^kvcli: the quote ' is not closed$/,
    /^kvcli: BUSY: busy \(did not happen\)/,
    /^kvcli: standard input is taken by the prompt/,
    /^kvcli: unknown option '-h'/,
  ]);
  t.ok(client.peek('a'));
});

test('options of the shell hold for every line, and -h stays with the prompt', async (t) => {
  const client = new FakeClient(new AutoClock());
  const { hosts, output } = await kvcli(['--json', '-h', 'a:1', '-r', '2'], {
    client,
    input: 'get k\nget k -r 1\n',
  });
  t.same(hosts, ['a:1']);
  t.same(
    client.calls.map(({ options }) => options.r),
    [2, 1],
  );
  t.equal(output.json.length, 2);
});

interface Typing {
  readonly exitCode: Promise<ExitCode>;
  readonly input: PassThrough;
  readonly shown: () => string;
  readonly ran: string[][];
  readonly signals: AbortSignal[];
}

function typing(run: (words: readonly string[], signal: AbortSignal) => Promise<ExitCode>): Typing {
  const input = new PassThrough();
  const output = new PassThrough();
  let shown = '';
  output.on('data', (chunk) => {
    shown += String(chunk);
  });
  const ran: string[][] = [];
  const signals: AbortSignal[] = [];
  const exitCode = runPrompt({
    input,
    output,
    isTerminal: true,
    grammar: GRAMMAR,
    history: undefined,
    label: async () => `n${ran.length + 1}> `,
    run: (words, signal) => {
      ran.push([...words]);
      signals.push(signal);
      return run(words, signal);
    },
    note: (line) => output.write(`${line}\n`),
  });
  return { exitCode, input, shown: () => shown, ran, signals };
}

/** Waits for what the line editor does, which takes some turns of the event loop. */
async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 2000 && !condition(); i += 1) await new Promise((resolve) => setImmediate(resolve));
}

test('a terminal: prompts with the node, completes, leaves at Ctrl-D with exit code 0', async (t) => {
  const { exitCode, input, shown, ran } = typing(async () => FAILED);
  await until(() => shown().includes('n1> '));
  input.write('sta');
  input.write('\t');
  await until(() => shown().includes('status '));
  input.write('--all\r');
  await until(() => shown().includes('n2> '));
  t.same(ran, [['status', '--all']]);
  input.write('\x04');
  t.equal(await exitCode, DONE);
});

test('a terminal: a word in another case is replaced by the one that is meant', async (t) => {
  const { exitCode, input, shown, ran } = typing(async () => DONE);
  await until(() => shown().includes('n1> '));
  input.write('redis cli');
  input.write('\t');
  await until(() => shown().includes('CLIENT'));
  input.write('ki');
  input.write('\t');
  await until(() => shown().includes('KILL'));
  input.write('x\r');
  await until(() => ran.length === 1);
  t.same(ran, [['redis', 'CLIENT', 'KILL', 'x']]);
  input.write('\x04');
  await exitCode;
});

test('Ctrl-C clears the line, or interrupts the command that runs', async (t) => {
  const { exitCode, input, shown, ran, signals } = typing(
    (_, signal) => new Promise((resolve) => signal.addEventListener('abort', () => resolve(FAILED))),
  );
  await until(() => shown().includes('n1> '));
  input.write('half a li');
  input.write('\x03');
  await until(() => shown().includes('Ctrl-D leaves'));
  input.write('scan\r');
  await until(() => ran.length === 1);
  t.same(ran, [['scan']], 'nothing is left of the cleared line');
  input.write('\x03');
  await until(() => shown().includes('n2> '));
  t.equal(signals[0]!.aborted, true);
  input.write('quit\r');
  t.equal(await exitCode, DONE);
});
