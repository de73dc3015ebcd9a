import t from 'tap';
import { RuntimeConfig } from '../../../src/gateway/redis/runtime-config.js';
import { SLOW_KEY_BYTES_MAX, type SlowCommand, SlowLog } from '../../../src/gateway/redis/slow-log.js';
import { Rig } from './rig.js';

function slow(command: string, extra: Partial<SlowCommand> = {}): SlowCommand {
  return { command, elapsedMs: 12.3456, wallMs: 5_999, address: 'a:1', clientName: '', ...extra };
}

function setUp() {
  const config = new RuntimeConfig();
  return { config, log: new SlowLog(config) };
}

t.test('the threshold is in microseconds, and includes itself', async (t) => {
  const { config, log } = setUp();
  config.slowLogSlowerThanUs = 1500;
  t.notOk(log.wants(1.499));
  t.ok(log.wants(1.5));
  config.slowLogSlowerThanUs = 0;
  t.ok(log.wants(0), 'all commands');
  config.slowLogSlowerThanUs = -1;
  t.notOk(log.wants(1e9), 'none');
  config.slowLogSlowerThanUs = 0;
  config.slowLogEntriesMax = 0;
  t.notOk(log.wants(1), 'nothing is kept');
});

t.test('the newest are kept, and given first', async (t) => {
  const { config, log } = setUp();
  config.slowLogEntriesMax = 3;
  for (const name of ['a', 'b', 'c', 'd', 'e']) log.add(slow(name));
  const shown = (count: number) => log.latest(count).map(({ id, command }) => `${id} ${command}`);
  t.same(shown(10), ['4 e', '3 d', '2 c']);
  t.same(shown(2), ['4 e', '3 d']);
  t.same(shown(0), []);
  config.slowLogEntriesMax = 1;
  log.add(slow('f'));
  t.same(shown(10), ['5 f'], 'a limit that is lower takes effect with the next entry');
  log.clear();
  log.add(slow('g'));
  t.same(shown(10), ['6 g'], 'ids are never used again');
});

t.test('only the beginning of a key is kept', async (t) => {
  const { log } = setUp();
  log.add(slow('get', { key: new Uint8Array(1000).fill(7) }));
  t.equal(log.latest(1)[0]!.key!.length, SLOW_KEY_BYTES_MAX);
});

t.test('SLOWLOG shows entries in the shape of Redis', async (t) => {
  const rig = new Rig();
  const client = rig.connect();
  rig.slowLog.add(slow('client|list', { clientName: 'bob' }));
  rig.slowLog.add(slow('get', { key: Buffer.from('k') }));
  t.equal(
    await client.line('SLOWLOG GET'),
    '*2\r\n' +
      '*6\r\n:1\r\n:5\r\n:12346\r\n*2\r\n$3\r\nget\r\n$1\r\nk\r\n$3\r\na:1\r\n$0\r\n\r\n' +
      '*6\r\n:0\r\n:5\r\n:12346\r\n*2\r\n$6\r\nclient\r\n$4\r\nlist\r\n$3\r\na:1\r\n$3\r\nbob\r\n',
  );
  t.match(await client.line('SLOWLOG GET 1'), /^\*1\r\n/);
  t.match(await client.line('SLOWLOG GET -1'), /^\*2\r\n/);
  t.equal(await client.line('SLOWLOG GET 0'), '*0\r\n');
  t.equal(await client.line('SLOWLOG LEN'), ':2\r\n');
  for (const count of ['-2', 'x', '99999999999999999999']) {
    t.equal(
      await client.line(`SLOWLOG GET ${count}`),
      '-ERR count should be greater than or equal to -1\r\n',
      count,
    );
  }
  t.equal(await client.line('SLOWLOG RESET'), '+OK\r\n');
  t.equal(await client.line('SLOWLOG LEN'), ':0\r\n');
});

t.test('entries beyond ten are shown when they are asked for', async (t) => {
  const rig = new Rig();
  const client = rig.connect();
  for (let i = 0; i < 20; i++) rig.slowLog.add(slow('get'));
  t.match(await client.line('SLOWLOG GET'), /^\*10\r\n/);
  t.match(await client.line('SLOWLOG GET 15'), /^\*15\r\n/);
});

t.test('a command that waits long enough is in the log', async (t) => {
  const rig = new Rig();
  const client = rig.connect('10.0.0.9:1234');
  client.send('DEBUG', 'SLEEP', '0.02');
  await rig.clock.advanceAsync(20);
  await client.line('PING');
  const [entry, ...others] = rig.slowLog.latest(10);
  t.match(entry, { command: 'debug', address: '10.0.0.9:1234', elapsedMs: 20 });
  t.same(others, []);
});
