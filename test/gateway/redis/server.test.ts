import t from 'tap';
import { VIRTUAL_START_MS } from '../../support/virtual-clock.js';
import { Rig } from './rig.js';

t.test('TIME is the wall clock in seconds and microseconds', async (t) => {
  const rig = new Rig();
  rig.clock.setWall(VIRTUAL_START_MS + 1234);
  const seconds = String(VIRTUAL_START_MS / 1000 + 1);
  t.equal(await rig.connect().line('TIME'), `*2\r\n$10\r\n${seconds}\r\n$6\r\n234000\r\n`);
});

t.test('DBSIZE is what the cluster counts, or why it cannot', async (t) => {
  const rig = new Rig();
  const client = rig.connect();
  t.equal(await client.line('DBSIZE'), ':3\r\n');
  rig.countKeys = () => Promise.reject(new Error('nobody is there'));
  t.match(await client.line('DBSIZE'), /^-INTERNAL nobody is there/);
});

t.test('DEBUG SLEEP holds up its own connection only', async (t) => {
  const rig = new Rig();
  const [client, other] = [rig.connect(), rig.connect()];
  client.send('DEBUG', 'SLEEP', '1.5');
  client.send('PING');
  t.equal(await other.line('PING'), '+PONG\r\n');
  await rig.clock.advanceAsync(1499);
  t.equal(client.connection.take(), '');
  await rig.clock.advanceAsync(1);
  t.equal(client.connection.take(), '+OK\r\n+PONG\r\n');
  t.equal(rig.clock.pendingTimers, 0);
});

t.test('the timer of a sleep goes with its connection', async (t) => {
  const rig = new Rig();
  const client = rig.connect();
  let ended = 0;
  client.session.onEnded = () => ended++;
  client.send('DEBUG', 'SLEEP', '0.01');
  const { onEnded } = client.session;
  await rig.clock.advanceAsync(10);
  t.not(client.session.onEnded, onEnded, 'a sleep that is over leaves nothing behind');
  client.send('DEBUG', 'SLEEP', '60');
  t.equal(rig.clock.pendingTimers, 1);
  client.session.onClose();
  t.equal(rig.clock.pendingTimers, 0);
  t.equal(ended, 1, 'whoever else waits for the end is told once');
});

t.test('a sleep is a number of seconds as far as it is one, and not too many', async (t) => {
  const client = new Rig().connect();
  for (const seconds of ['60.1', '1e3', 'Infinity']) {
    t.equal(
      await client.ask('DEBUG', 'SLEEP', seconds),
      '-ERR a sleep is a number of seconds from 0 to 60\r\n',
      seconds,
    );
  }
  for (const line of ['DEBUG FOO', 'DEBUG SLEEP', 'DEBUG SLEEP 1 2']) {
    const [, word] = line.split(' ');
    const error = `unknown subcommand or wrong number of arguments for '${word}'. Try DEBUG HELP.`;
    t.equal(await client.line(line), `-ERR ${error}\r\n`);
  }
});

t.test('SHUTDOWN asks the node to stop, and is not answered', async (t) => {
  for (const line of ['SHUTDOWN', 'SHUTDOWN NOSAVE', 'shutdown save now force']) {
    const rig = new Rig();
    t.equal(await rig.connect().line(line), '', line);
    t.equal(rig.stops, 1, line);
  }
  const rig = new Rig();
  const client = rig.connect();
  for (const line of ['FOO', 'SAVE NOSAVE', 'ABORT NOW']) {
    t.equal(await client.line(`SHUTDOWN ${line}`), '-ERR syntax error\r\n', line);
  }
  t.equal(await client.line('SHUTDOWN ABORT'), '-ERR No shutdown in progress.\r\n');
  t.equal(rig.stops, 0);
});

t.test('MEMORY USAGE is the record and its key in the engine', async (t) => {
  const rig = new Rig();
  rig.setKey('key', 'value');
  const client = rig.connect();
  // A slot of 2 bytes and the key; a header of 17 bytes and the value.
  t.equal(await client.line('MEMORY USAGE key'), ':27\r\n');
  t.equal(await client.line('MEMORY USAGE key SAMPLES 0'), ':27\r\n');
  t.equal(await client.line('MEMORY USAGE nothing'), '$-1\r\n');
  const cases: readonly (readonly [string, string])[] = [
    ['SAMPLES', 'syntax error'],
    ['SAMPLES -1', 'syntax error'],
    ['FOO 1', 'syntax error'],
    ['SAMPLES x', 'value is not an integer or out of range'],
  ];
  for (const [line, error] of cases) {
    t.equal(await client.line(`MEMORY USAGE key ${line}`), `-ERR ${error}\r\n`, line);
  }
});
