import t from 'tap';
import type { ConnectionSettings } from '../../bench/connection.js';
import { Payload } from '../../bench/payload.js';
import { preload } from '../../bench/preload.js';
import { writeBody } from '../../src/wire/body.js';
import { ERROR, SET } from '../../src/wire/message-type.js';
import { Flusher } from '../../src/wire/outbox.js';
import { ScriptedNetwork, type ScriptedNode, TurningClock } from './scripted-network.js';

const KEYS = 1000;

interface Outcome {
  readonly nodes: ScriptedNode[];
  readonly error: unknown;
}

/** Preloads over two scripted nodes, for at most `ms`. */
async function preloadOver(script: ScriptedNode['script'], ms = 60_000): Promise<Outcome> {
  const clock = new TurningClock();
  const network = new ScriptedNetwork(clock, 3);
  const nodes = network.addNodes(2);
  for (const node of nodes) node.script = script;
  const settings: ConnectionSettings = {
    network,
    clock,
    flusher: new Flusher(clock),
    payload: new Payload(30, 1),
    pipeline: 1,
    r: 0,
    w: 0,
  };
  let error: unknown = 'not finished';
  const done = preload([...network.nodes.keys()], KEYS, settings).then(
    () => {
      error = undefined;
    },
    (reason) => {
      error = reason;
    },
  );
  await clock.advanceAsync(ms);
  await Promise.race([done, undefined]);
  return { nodes, error };
}

t.test('every key is written, once, with a bounded number in flight', async (t) => {
  const { nodes, error } = await preloadOver(() => false);
  t.equal(error, undefined);
  t.equal(nodes[0]!.store.size, KEYS);
  const sets = nodes.reduce((sum, node) => sum + node.requests - node.links.length, 0);
  t.equal(sets, KEYS);
  t.ok(nodes.every((node) => node.links.every((link) => link.waitingMost <= 64)));
});

t.test('keys that were refused are written again', async (t) => {
  let refusals = 0;
  const { nodes, error } = await preloadOver((frame, outbox) => {
    if (frame.type !== SET || refusals >= 300) return false;
    refusals++;
    writeBody(outbox, ERROR, frame.id, { code: 'BUSY', message: 'later', definite: true });
    return true;
  });
  t.equal(error, undefined);
  t.equal(refusals, 300);
  t.equal(nodes[0]!.store.size, KEYS);
});

t.test('a key that is refused to the end fails the preload', async (t) => {
  const { error } = await preloadOver((frame, outbox) => {
    if (frame.type !== SET || !Buffer.from(frame.key()).toString().endsWith('2a')) return false;
    writeBody(outbox, ERROR, frame.id, { code: 'STORAGE_FAILED', message: '…', definite: true });
    return true;
  });
  t.match(error, { message: /4 of 1000 keys were refused \(STORAGE_FAILED\)/ });
});

t.test('nodes that hang up or fall silent fail the preload', async (t) => {
  let sets = 0;
  const hungUp = await preloadOver((frame, _outbox, link) => {
    if (frame.type === SET && ++sets > 100) link.hangUp();
    return false;
  });
  t.match(hungUp.error, { code: 'CONNECTION_LOST' });
  let answered = 0;
  const silent = await preloadOver((frame) => frame.type === SET && ++answered > 100);
  t.match(silent.error, { code: 'TIMEOUT' });
});
