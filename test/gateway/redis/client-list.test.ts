import t from 'tap';
import { Rig } from './rig.js';

const ids = (text: string): string[] => [...text.matchAll(/^id=(\d+) /gm)].map(([, id]) => id!);

t.test('a line has the fields of Redis 7.2 in its order', async (t) => {
  const rig = new Rig();
  const client = rig.connect('10.0.0.7:999');
  rig.clock.advance(3500);
  await client.line('CLIENT SETNAME bob');
  await client.line('CLIENT SETINFO LIB-NAME lib');
  await client.line('CLIENT SETINFO lib-ver 1.2');
  await client.line('CLIENT NO-EVICT on');
  rig.clock.advance(2000);
  const info =
    'id=1 addr=10.0.0.7:999 laddr=127.0.0.1:7400 fd=-1 name=bob age=5 idle=0 flags=e db=0 sub=0 psub=0 ssub=0 ' +
    'multi=-1 qbuf=0 qbuf-free=0 argv-mem=0 multi-mem=0 rbs=0 rbp=0 obl=0 oll=0 omem=0 tot-mem=0 events=r ' +
    'cmd=client|info user=default redir=-1 resp=2 lib-name=lib lib-ver=1.2\n';
  t.equal(await client.line('CLIENT INFO'), `$${info.length}\r\n${info}\r\n`);
  await client.line('HELLO 3');
  const list = info.replace('client|info', 'client|list').replace('resp=2', 'resp=3');
  t.equal(await client.line('CLIENT LIST'), `=${list.length + 4}\r\ntxt:${list}\r\n`);
  await client.line('CLIENT NO-EVICT off');
  t.match(await client.text('CLIENT INFO'), / flags=N /);
  await client.line('CLIENT NO-TOUCH ON');
  t.match(await client.text('CLIENT INFO'), / flags=T /);
});

t.test('the list is of all, or of those asked for', async (t) => {
  const rig = new Rig();
  const [client, , third] = [rig.connect(), rig.connect(), rig.connect()];
  t.same(ids(await client.text('CLIENT LIST')), ['1', '2', '3']);
  t.same(ids(await client.text('CLIENT LIST ID 3 1 99')), ['3', '1']);
  t.same(ids(await client.text('CLIENT LIST TYPE Normal')), ['1', '2', '3']);
  for (const type of ['master', 'replica', 'slave', 'pubsub']) {
    t.equal(await client.text(`CLIENT LIST TYPE ${type}`), '', type);
  }
  third!.session.onClose();
  t.same(ids(await client.text('CLIENT LIST')), ['1', '2'], 'without who has gone');
  t.equal(await client.line('CLIENT LIST TYPE foo'), "-ERR Unknown client type 'foo'\r\n");
  t.equal(await client.line('CLIENT LIST ID x'), '-ERR Invalid client ID\r\n');
  for (const line of ['ID', 'TYPE', 'TYPE normal x', 'foo', 'foo bar']) {
    t.equal(await client.line(`CLIENT LIST ${line}`), '-ERR syntax error\r\n', line);
  }
});

t.test('KILL ends those that all its filters hold for', async (t) => {
  const cases: readonly (readonly [filter: string, ended: readonly number[]])[] = [
    ['ID 2', [2]],
    ['ID 99', []],
    ['ID 1', []],
    ['ID 1 SKIPME no', [1]],
    ['ADDR 10.0.0.3:1', [3]],
    ['ADDR 10.0.0.3:1 ID 2', []],
    ['LADDR 127.0.0.1:7400', [2, 3]],
    ['LADDR 127.0.0.1:7401', []],
    ['TYPE normal', [2, 3]],
    ['TYPE pubsub SKIPME no', []],
    ['USER default SKIPME NO', [1, 2, 3]],
    ['MAXAGE 10', [2]],
    ['MAXAGE 11', []],
    ['MAXAGE 10 SKIPME no', [1, 2]],
  ];
  for (const [filter, ended] of cases) {
    const rig = new Rig();
    const clients = [rig.connect('10.0.0.1:1'), rig.connect('10.0.0.2:1')];
    rig.clock.advance(10_000);
    clients.push(rig.connect('10.0.0.3:1'));
    t.equal(await clients[0]!.line(`CLIENT KILL ${filter}`), `:${ended.length}\r\n`, filter);
    const over = clients.flatMap(({ isOver }, i) => (isOver ? [i + 1] : []));
    t.same(over, ended, filter);
  }
});

t.test('the older form names one address, and spares nobody', async (t) => {
  const rig = new Rig();
  const [client, other] = [rig.connect('10.0.0.1:1'), rig.connect('10.0.0.2:1')];
  t.equal(await client.line('CLIENT KILL 10.0.0.9:1'), '-ERR No such client\r\n');
  t.equal(await client.line('CLIENT KILL 10.0.0.2:1'), '+OK\r\n');
  t.ok(other.isOver);
  t.notOk(client.isOver);
  t.equal(await client.line('CLIENT KILL 10.0.0.1:1'), '+OK\r\n', 'it is still told');
  t.ok(client.isOver);
});

t.test('filters that are wrong end nobody', async (t) => {
  const rig = new Rig();
  const [client, other] = [rig.connect(), rig.connect()];
  const cases: readonly (readonly [string, string])[] = [
    ['ID 0', 'ERR client-id should be greater than 0'],
    ['ID x', 'ERR client-id should be greater than 0'],
    ['TYPE foo', "ERR Unknown client type 'foo'"],
    ['USER bob', "ERR No such user 'bob'"],
    ['SKIPME maybe', 'ERR syntax error'],
    ['MAXAGE x', 'ERR maxage is not an integer or out of range'],
    ['ID 2 LADDR', 'ERR syntax error'],
    ['FOO bar', 'ERR syntax error'],
  ];
  for (const [line, error] of cases) t.equal(await client.line(`CLIENT KILL ${line}`), `-${error}\r\n`, line);
  t.notOk(other.isOver);
});

t.test('names have no characters that would break a line of the list', async (t) => {
  const client = new Rig().connect();
  const error = '-ERR Client names cannot contain spaces, newlines or special characters.\r\n';
  for (const name of ['a b', 'a\n', '\x7f', 'é']) t.equal(await client.ask('CLIENT', 'SETNAME', name), error);
  t.equal(await client.line('CLIENT GETNAME'), '$-1\r\n');
  t.equal(await client.line('CLIENT SETNAME !~x'), '+OK\r\n');
  t.equal(await client.line('CLIENT GETNAME'), '$3\r\n!~x\r\n');
  t.equal(await client.ask('CLIENT', 'SETNAME', ''), '+OK\r\n', 'which takes it back');
  t.equal(await client.line('CLIENT GETNAME'), '$-1\r\n');
  t.equal(
    await client.ask('CLIENT', 'SETINFO', 'lib-name', 'a b'),
    '-ERR lib-name cannot contain spaces, newlines or special characters.\r\n',
  );
  t.equal(await client.line('CLIENT SETINFO foo x'), "-ERR Unrecognized option 'foo'\r\n");
});

t.test('REPLY silences what follows, and itself', async (t) => {
  const client = new Rig().connect();
  const steps: readonly (readonly [string, string])[] = [
    ['CLIENT REPLY ON', '+OK\r\n'],
    ['CLIENT REPLY SKIP', ''],
    ['PING', ''],
    ['PING', '+PONG\r\n'],
    ['CLIENT REPLY OFF', ''],
    ['PING', ''],
    ['CLIENT REPLY SKIP', ''],
    ['PING', ''],
    ['PING', ''],
    ['CLIENT REPLY foo', ''],
    ['CLIENT REPLY ON', '+OK\r\n'],
    ['CLIENT REPLY foo', '-ERR syntax error\r\n'],
    ['CLIENT REPLY OFF', ''],
    ['RESET', '+RESET\r\n'],
    ['PING', '+PONG\r\n'],
  ];
  for (const [line, reply] of steps) t.equal(await client.line(line), reply, line);
});
