/** What a node keeps of the cluster: only ever newer, on disk never behind what came first, frozen across restarts. */
import t from 'tap';
import type { ClusterConfig } from '../../src/membership/cluster-config.js';
import { ClusterState, loadIdentity, type StateStorage } from '../../src/membership/cluster-state.js';
import { RecordedLog } from '../storage/fixtures/recorded-log.js';
import { codeOf } from '../support/cluster.js';

/** A storage whose writes take effect, or fail, when told to. */
class SlowStorage implements StateStorage {
  readonly stored = new Map<string, Uint8Array>();
  readonly #writes: (() => void)[] = [];
  failure: Error | undefined;

  read(name: string): Uint8Array | undefined {
    return this.stored.get(name);
  }

  write(name: string, value: Uint8Array, done: (error: Error | undefined) => void): void {
    this.#writes.push(() => {
      if (this.failure === undefined) this.stored.set(name, value);
      done(this.failure);
    });
  }

  async finish(): Promise<void> {
    for (const write of this.#writes.splice(0)) write();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const MEMBER = { name: 'a', identity: 'i', address: 'a:1', weight: 1, zone: '' };

function config(epoch: number, clusterId = 'one'): ClusterConfig {
  return { clusterId, epoch, replicas: 3, readQuorum: 0, writeQuorum: 0, members: [MEMBER] };
}

function stateOn(storage: SlowStorage): ClusterState {
  return new ClusterState({ name: 'a', id: 'i' }, storage, new RecordedLog(), () => {});
}

async function stateAt(epoch: number): Promise<{ storage: SlowStorage; state: ClusterState }> {
  const storage = new SlowStorage();
  const state = stateOn(storage);
  const adopting = state.adopt(config(epoch));
  await storage.finish();
  await adopting;
  return { storage, state };
}

t.test('a configuration counts when it is durable, and only newer ones do', async (t) => {
  const storage = new SlowStorage();
  const state = stateOn(storage);
  const adopting = state.adopt(config(3));
  t.equal(state.epoch, 0);
  await storage.finish();
  t.ok(await adopting);
  t.equal(state.epoch, 3);
  t.notOk(await state.adopt(config(3)));
  t.notOk(await state.adopt(config(2)));
  t.notOk(await state.adopt(config(9, 'another')));
  t.equal(stateOn(storage).epoch, 3, 'after a restart');
});

t.test(
  'an older configuration or a release that is stored later does not bring the older one back',
  async (t) => {
    const { storage, state } = await stateAt(3);
    const freezing = state.freeze();
    await storage.finish();
    await freezing;
    const work = Promise.all([state.adopt(config(5)), state.adopt(config(4)), state.release(3)]);
    await storage.finish();
    await work;
    t.equal(state.epoch, 5);
    t.equal(stateOn(storage).epoch, 5, 'after a restart');
  },
);

t.test('a configuration that could not be stored may be offered again', async (t) => {
  const { storage, state } = await stateAt(3);
  storage.failure = new Error('no space');
  const failing = codeOf(state.adopt(config(4)));
  await storage.finish();
  t.equal(await failing, 'STORAGE_FAILED');
  t.equal(state.epoch, 3);
  storage.failure = undefined;
  const adopting = state.adopt(config(4));
  await storage.finish();
  t.ok(await adopting);
});

t.test('a freeze holds from the call on, survives a restart, and ends with its epoch', async (t) => {
  const { storage, state } = await stateAt(3);
  const freezing = state.freeze();
  t.ok(state.isFrozen);
  await storage.finish();
  await freezing;
  const restarted = stateOn(storage);
  t.ok(restarted.isFrozen);
  await restarted.release(2);
  t.ok(restarted.isFrozen, 'another epoch');
  const adopting = restarted.adopt(config(4));
  await storage.finish();
  await adopting;
  t.notOk(restarted.isFrozen);
});

t.test('a release that could not be stored has not happened', async (t) => {
  const { storage, state } = await stateAt(3);
  const freezing = state.freeze();
  await storage.finish();
  await freezing;
  storage.failure = new Error('no space');
  const failing = codeOf(state.release(3));
  await storage.finish();
  t.equal(await failing, 'STORAGE_FAILED');
  t.ok(state.isFrozen);
  storage.failure = undefined;
  const releasing = state.release(3);
  await storage.finish();
  await releasing;
  t.notOk(state.isFrozen);
  t.notOk(stateOn(storage).isFrozen);
});

t.test('an identity is made once, and belongs to one name', async (t) => {
  const storage = new SlowStorage();
  const loading = loadIdentity(storage, 'a', () => 'first');
  await storage.finish();
  t.same(await loading, { identity: { name: 'a', id: 'first' }, isNew: true });
  t.same(await loadIdentity(storage, 'a', () => 'second'), {
    identity: { name: 'a', id: 'first' },
    isNew: false,
  });
  t.equal(await codeOf(loadIdentity(storage, 'b', () => 'third')), 'NOT_A_MEMBER');
});
