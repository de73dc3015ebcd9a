import t from 'tap';
import { Rig } from './rig.js';

const WRONG_PASSWORD = '-WRONGPASS invalid username-password pair or user is disabled.\r\n';

t.test('what is sent back is sent back as it came', async (t) => {
  const client = new Rig().connect();
  t.equal(await client.line('PING'), '+PONG\r\n');
  t.equal(await client.ask('PING', 'a\r\nb'), '$4\r\na\r\nb\r\n');
  t.equal(await client.ask('ECHO', ''), '$0\r\n\r\n');
  t.equal(await client.line('PING a b'), "-ERR wrong number of arguments for 'ping' command\r\n");
});

t.test('HELLO tells who the server is, and chooses the protocol', async (t) => {
  const client = new Rig().connect();
  const fields =
    '$6\r\nserver\r\n$6\r\nquoral\r\n$7\r\nversion\r\n$6\r\n7.0.15\r\n$5\r\nproto\r\n:N\r\n$2\r\nid\r\n:1\r\n' +
    '$4\r\nmode\r\n$10\r\nstandalone\r\n$4\r\nrole\r\n$6\r\nmaster\r\n$7\r\nmodules\r\n*0\r\n';
  t.equal(await client.line('HELLO'), `*14\r\n${fields.replace(':N', ':2')}`);
  t.equal(await client.line('HELLO 3'), `%7\r\n${fields.replace(':N', ':3')}`);
  t.equal(await client.line('HELLO'), `%7\r\n${fields.replace(':N', ':3')}`, 'which stays');
  t.equal(await client.line('HELLO 3 SETNAME bob AUTH default x'), `%7\r\n${fields.replace(':N', ':3')}`);
  t.equal(await client.line('CLIENT GETNAME'), '$3\r\nbob\r\n');
  t.equal(await client.line('RESET'), '+RESET\r\n');
  t.equal(await client.line('CLIENT GETNAME'), '$-1\r\n', 'in the older protocol');
});

t.test(
  'a HELLO that is refused leaves the protocol as it was, and keeps a name that came before the error',
  async (t) => {
    const client = new Rig().connect();
    const cases: readonly (readonly [string, string])[] = [
      ['1', '-NOPROTO unsupported protocol version\r\n'],
      ['4', '-NOPROTO unsupported protocol version\r\n'],
      ['x', '-ERR Protocol version is not an integer or out of range\r\n'],
      ['3 AUTH a', "-ERR Syntax error in HELLO option 'AUTH'\r\n"],
      ['3 setname', "-ERR Syntax error in HELLO option 'setname'\r\n"],
      ['3 SETNAME x AUTH a b', WRONG_PASSWORD],
      ['3 SETNAME x FOO', "-ERR Syntax error in HELLO option 'FOO'\r\n"],
    ];
    for (const [line, reply] of cases) {
      t.equal(await client.line('RESET'), '+RESET\r\n');
      t.equal(await client.line(`HELLO ${line}`), reply, line);
      const name = line.includes('SETNAME') ? '$1\r\nx\r\n' : '$-1\r\n';
      t.equal(await client.line('CLIENT GETNAME'), name, line);
    }
  },
);

t.test('there is one user, without a password, and one database', async (t) => {
  const client = new Rig().connect();
  const outOfRange = '-ERR DB index is out of range\r\n';
  const notAnInteger = '-ERR value is not an integer or out of range\r\n';
  const cases: readonly (readonly [string, string])[] = [
    [
      'AUTH x',
      '-ERR AUTH <password> called without any password configured for the default user. ' +
        'Are you sure your configuration is correct?\r\n',
    ],
    ['AUTH default x', '+OK\r\n'],
    ['AUTH bob x', WRONG_PASSWORD],
    ['AUTH a b c', '-ERR syntax error\r\n'],
    ['SELECT 0', '+OK\r\n'],
    ['SELECT 1', outOfRange],
    ['SELECT -1', outOfRange],
    ['SELECT x', notAnInteger],
    ['SELECT 99999999999', '-ERR value is out of range, value must between -2147483648 and 2147483647\r\n'],
    ['SELECT 99999999999999999999', notAnInteger],
  ];
  for (const [line, reply] of cases) t.equal(await client.line(line), reply, line);
});

t.test('commands of a cluster are refused as a server refuses them that is in none', async (t) => {
  const client = new Rig().connect();
  const refused = '-ERR This instance has cluster support disabled\r\n';
  for (const line of [
    'READONLY',
    'READWRITE',
    'ASKING',
    'CLUSTER INFO',
    'CLUSTER SLOTS',
    'CLUSTER KEYSLOT k',
  ]) {
    t.equal(await client.line(line), refused, line);
  }
  t.equal(await client.line('CLUSTER FOO'), "-ERR unknown subcommand 'FOO'. Try CLUSTER HELP.\r\n");
});

t.test('QUIT is answered, and then it is over', async (t) => {
  const client = new Rig().connect();
  client.send('PING');
  t.equal(await client.line('QUIT'), '+PONG\r\n+OK\r\n');
  t.ok(client.isOver);
  t.equal(await client.line('PING'), '');
});
