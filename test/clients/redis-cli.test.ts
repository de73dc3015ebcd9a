/**
 * Redis' own command line against a cluster: as a prompt, as one-shot commands, and the modes that look through the whole key
 * space or load it. Each test has a key space of its own by a prefix, or empties it first.
 */
import t, { type Test } from 'tap';
import { encodeCommand, RespClient } from './resp-client.js';
import { show } from './resp-reply.js';
import { startServers } from './servers.js';
import { runTool, Tool, type ToolRun, testWith } from './tools.js';

const PIPED_KEYS = 5000;

testWith(t, ['redis-cli'], 'redis-cli', async (t) => {
  const { addresses } = await startServers(t);
  const cli = (t: Test, args: readonly string[], input?: string | Uint8Array): Promise<ToolRun> =>
    runTool(t, 'redis-cli', [...place(addresses[0]!), ...args], input === undefined ? {} : { input });
  /** What it prints for one command. */
  const says = async (t: Test, ...args: readonly string[]): Promise<string> =>
    (await cli(t, args)).stdout.trimEnd();
  const emptied = async (t: Test): Promise<RespClient> => {
    const client = await RespClient.open(t, addresses[0]!);
    t.equal(show(await client.command('FLUSHALL')), '+OK');
    return client;
  };

  await t.test('one-shot commands print their replies', async (t) => {
    const cases: readonly (readonly [args: readonly string[], printed: string])[] = [
      [['PING'], 'PONG'],
      [['PING', 'hello you'], 'hello you'],
      [['SET', 'one:a', '1'], 'OK'],
      [['--no-raw', 'GET', 'one:a'], '"1"'],
      [['--no-raw', 'GET', 'one:nothing'], '(nil)'],
      [['--no-raw', 'EXISTS', 'one:a', 'one:nothing', 'one:a'], '(integer) 2'],
      [['--no-raw', 'MGET', 'one:a', 'one:nothing'], '1) "1"\n2) (nil)'],
      [['--no-raw', 'TYPE', 'one:a'], 'string'],
      [['--no-raw', 'TTL', 'one:a'], '(integer) -1'],
      [['--csv', 'MGET', 'one:a', 'one:nothing'], '"1",NULL'],
      [['--json', 'MGET', 'one:a', 'one:nothing'], '["1",null]'],
      [['-r', '3', 'PING'], 'PONG\nPONG\nPONG'],
      [['-n', '0', 'PING'], 'PONG'],
      [['-c', 'GET', 'one:a'], '1'],
      [['-2', 'GET', 'one:a'], '1'],
      [['-3', '--no-raw', 'GET', 'one:nothing'], '(nil)'],
      [['--no-raw', 'DEL', 'one:a', 'one:nothing'], '(integer) 1'],
    ];
    for (const [args, printed] of cases) t.equal(await says(t, ...args), printed, args.join(' '));
  });

  await t.test('every node answers', async (t) => {
    t.equal(await says(t, 'SET', 'every', 'node'), 'OK');
    for (const address of addresses) {
      const { stdout } = await runTool(t, 'redis-cli', [...place(address), 'GET', 'every']);
      t.equal(stdout, 'node\n', address);
    }
  });

  await t.test('the last argument can come from standard input, with any bytes', async (t) => {
    const value = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
    t.equal((await cli(t, ['-x', 'SET', 'stdin'], value)).stdout, 'OK\n');
    const client = await RespClient.open(t, addresses[0]!);
    t.same(await client.command('GET', 'stdin'), { kind: 'bulk', bytes: value });
  });

  await t.test('errors are printed, and -e makes them the exit code', async (t) => {
    const cases: readonly (readonly [args: readonly string[], printed: RegExp])[] = [
      [['GET'], /^ERR wrong number of arguments for 'get' command/],
      [['NOTHING', 'a', 'b'], /^ERR unknown command 'NOTHING', with args beginning with: 'a' 'b'/],
      [['SET', 'k', 'v', 'NOTHING'], /^ERR syntax error/],
      [['SET', 'k', 'v', 'EX', 'abc'], /^ERR value is not an integer or out of range/],
      [['CONFIG', 'NOTHING'], /^ERR unknown subcommand 'NOTHING'. Try CONFIG HELP./],
    ];
    for (const [args, printed] of cases) {
      t.match(await says(t, ...args), printed);
      const { code, stderr } = await cli(t, ['-e', ...args]);
      t.equal(code, 1, `-e ${args.join(' ')}`);
      t.match(stderr, printed);
    }
    t.match((await cli(t, ['-n', '3', 'PING'])).stderr, /SELECT 3 failed: ERR DB index is out of range/);
    t.match(
      (await cli(t, ['-a', 'secret', 'PING'])).stderr,
      /AUTH failed: ERR AUTH <password> called without/,
    );
    t.match((await cli(t, ['--user', 'u', '--pass', 'p', 'PING'])).stderr, /AUTH failed: WRONGPASS /);
  });

  await t.test('the prompt reads commands from standard input', async (t) => {
    const lines = [
      'SET "prompt a" "x\\ny"',
      'GET "prompt a"',
      'GET prompt:nothing',
      'MGET "prompt a" prompt:nothing',
      'NOTHING here',
      'STRLEN "prompt a"',
      '2 PING',
      'HELLO 3',
      'GET prompt:nothing',
      'CLIENT SETNAME me',
      'CLIENT GETNAME',
      'CONFIG GET nothing',
      'quit',
    ];
    const { code, stdout } = await cli(t, ['--no-raw'], `${lines.join('\n')}\n`);
    t.equal(code, 0);
    const wanted = [
      'OK',
      '"x\\ny"',
      '(nil)',
      '1) "x\\ny"',
      '2) (nil)',
      "(error) ERR unknown command 'NOTHING', with args beginning with: 'here' ",
      '(integer) 3',
      'PONG',
      'PONG',
    ];
    const printed = stdout.split('\n');
    t.same(printed.slice(0, wanted.length), wanted);
    t.match(stdout, /\n1# "server" => "\w+"\n2# "version" => "[^"]+"\n3# "proto" => \(integer\) 3\n/);
    t.match(stdout, /\n\(nil\)\nOK\n"me"\n\(empty hash\)\n$/);
  });

  await t.test('the prompt in RESP3', async (t) => {
    const input = 'SET three 3\nGET three\nGET nothing\nHELLO\nCONFIG GET maxmemory\nSTRLEN three\n';
    const { code, stdout } = await cli(t, ['-3', '--no-raw'], input);
    t.equal(code, 0);
    t.match(stdout, /^OK\n"3"\n\(nil\)\n1# "server" => "\w+"\n/);
    t.match(stdout, /"mode" => "standalone"\n6# "role" => "master"\n7# "modules" => \(empty array\)\n/);
    t.match(stdout, /\n1# "maxmemory" => "\d+"\n\(integer\) 1\n$/);
    t.match(await says(t, '-3', 'HELLO'), /^server \w+\nversion .+\nproto 3\nid \d+\nmode standalone\n/);
  });

  await t.test('the prompt helps with what the server says of its commands', async (t) => {
    const { stdout } = await cli(t, ['--no-raw'], 'help get\nPING\n');
    t.match(stdout, /GET.*key/);
    t.match(stdout, /summary:.*\w/);
    t.match(stdout, /\nPONG\n/);
  });

  await t.test('--pipe loads what it reads', async (t) => {
    const client = await emptied(t);
    const commands = Array.from({ length: PIPED_KEYS }, (_, i) =>
      encodeCommand(['SET', `pipe:${i}`, `${i}`]),
    );
    const { code, stdout } = await cli(t, ['--pipe'], Buffer.concat(commands));
    t.equal(code, 0);
    t.match(stdout, new RegExp(`errors: 0, replies: ${PIPED_KEYS}`));
    t.equal(show(await client.command('GET', `pipe:${PIPED_KEYS - 1}`)), `"${PIPED_KEYS - 1}"`);
    const keys = (await says(t, '--scan', '--pattern', 'pipe:*')).split('\n');
    t.equal(new Set(keys).size, PIPED_KEYS, 'and --scan finds all of it');
    const wrong = await cli(t, ['--pipe'], 'SET a\r\nSET pipe:1 x\r\n');
    t.match(wrong.stdout, /errors: 1, replies: 2/);
    t.equal(wrong.code, 1, 'errors are counted');
  });

  await t.test('--scan lists the keys that match', async (t) => {
    const client = await emptied(t);
    for (let i = 0; i < 300; i++) await client.command('SET', `${i % 3 === 0 ? 'scan' : 'other'}:${i}`, 'x');
    const keys = (await says(t, '--scan', '--pattern', 'scan:*')).split('\n').sort();
    t.same(keys, Array.from({ length: 100 }, (_, i) => `scan:${3 * i}`).sort());
    t.equal((await says(t, '--scan')).split('\n').length, 300);
    t.equal(await says(t, '--scan', '--pattern', 'nothing*'), '');
  });

  await t.test('--bigkeys and --memkeys look at every key', async (t) => {
    const client = await emptied(t);
    for (let i = 1; i <= 150; i++) await client.command('SET', `big:${i}`, 'x'.repeat(i));
    const big = await cli(t, ['--bigkeys']);
    t.equal(big.code, 0);
    t.match(big.stdout, /Sampled 150 keys in the keyspace!/);
    t.match(big.stdout, /Biggest string found '"big:150"' has 150 bytes/);
    t.match(big.stdout, /150 strings with 11325 bytes \(100.00% of keys/);
    const memory = await cli(t, ['--memkeys']);
    t.equal(memory.code, 0);
    t.match(memory.stdout, /Sampled 150 keys in the keyspace!/);
    t.match(memory.stdout, /Biggest string found '"big:1\d\d"' has \d+ bytes/);
  });

  await testWith(t, ['stdbuf'], '--stat shows a line again and again', async (t) => {
    const client = await emptied(t);
    for (let i = 0; i < 3; i++) await client.command('SET', `stat:${i}`, 'x');
    const stat = new Tool(t, 'redis-cli', [...place(addresses[0]!), '--stat', '-i', '0.1']);
    await stat.says(/(\n\d+ +[\d.]+[BKMG] +\d+ +\d+ +\d+ \([+-]\d+\) +\d+ *){3}\n/);
    t.match(stat.stdout, /\n3 {2,}/, 'with the number of keys');
    await stat.end('SIGINT');
  });

  await t.test('--latency measures', async (t) => {
    const { code, stdout } = await cli(t, ['--raw', '--latency', '-i', '0.2']);
    t.equal(code, 0);
    t.match(stdout, /^\d+ \d+ [\d.]+ \d+\n/);
  });

  await t.test('commands that a cluster client would try are refused as by a single server', async (t) => {
    t.match(await says(t, 'CLUSTER', 'INFO'), /^ERR This instance has cluster support disabled/);
    t.match(await says(t, 'READONLY'), /^ERR This instance has cluster support disabled/);
  });
});

/** The words that name a server. */
function place(address: string): string[] {
  const [host, port] = address.split(':');
  return ['-h', host!, '-p', port!];
}
