import t from 'tap';
import { toBytes } from '../../src/base/bytes.js';
import { connect, KvError } from '../../src/client/index.js';
import { TcpNetwork } from '../../src/os/tcp-network.js';
import type { Connection, ConnectionHandler } from '../../src/ports/network.js';
import { encodeBody } from '../../src/wire/body.js';
import type { Frame } from '../../src/wire/frame.js';
import { FrameDecoder } from '../../src/wire/frame-decoder.js';
import { HELLO, RESULT, RING, SET, VALUE, WELCOME } from '../../src/wire/message-type.js';
import { rawFrame } from '../support/wire.js';

const NONE = new Uint8Array(0);
const limits = { keyBytesMax: 8192, valueBytesMax: 16711680, frameBytesMax: 16777216 };
const welcome = { protocol: 1, software: 'x', node: 'n1', clusterId: 'c', epoch: 1, features: [], limits };

/** A node on a real socket that answers every GET with its key, and closes the connection at a SET. */
function echoNode(connection: Connection, address: () => string): ConnectionHandler {
  const member = { name: 'n1', address: address(), weight: 1, zone: 'z' };
  const config = { clusterId: 'c', epoch: 1, replicas: 1, readQuorum: 0, writeQuorum: 0, members: [member] };
  const ring = { ...config, live: ['n1'], self: 'n1' };
  const answer = (frame: Frame): [number, Uint8Array] => {
    if (frame.type === HELLO) return [WELCOME, encodeBody(welcome)];
    if (frame.type === RING) return [RESULT, encodeBody(ring)];
    return [VALUE, Buffer.concat([new Uint8Array(13), frame.key()])];
  };
  const decoder = new FrameDecoder({
    onFrame: (frame) => {
      if (frame.type === SET) return connection.destroy();
      const [type, body] = answer(frame);
      connection.write(rawFrame({ type, flags: 0, id: frame.id, key: NONE, body }));
    },
    onRefused: () => connection.destroy(),
  });
  return { onData: (bytes) => decoder.push(bytes), onDrain: () => {}, onClose: () => {} };
}

t.test('the package entry works over real sockets', async (t) => {
  let address = '';
  const listener = await new TcpNetwork().listen('127.0.0.1:0', (connection) =>
    echoNode(connection, () => address),
  );
  t.teardown(() => listener.close());
  address = listener.address;
  const kv = await connect(address);
  const keys = Array.from({ length: 2000 }, (_, i) => `key ${i} ${'x'.repeat(i % 100)}`);
  t.same(await kv.getMany(keys), keys);
  t.same(await kv.getBuffer('bytes'), toBytes('bytes'));
  await t.rejects(kv.set('k', 'v'), { code: 'CONNECTION_LOST', definite: false });
  t.equal(await kv.get('again'), 'again', 'it connects anew');
  await kv.close();
  await t.rejects(kv.get('k'), { code: 'CLOSED' });
});

t.test('nobody there', async (t) => {
  const listener = await new TcpNetwork().listen('127.0.0.1:0', (connection) =>
    echoNode(connection, () => ''),
  );
  const { address } = listener;
  await listener.close();
  const error = await connect(address, { retries: 0 }).catch((reason: unknown) => reason);
  t.ok(error instanceof KvError);
  t.match(error, { code: 'CONNECT_FAILED', definite: true });
  t.match((error as KvError).message, /ECONNREFUSED/);
});
