/** Hints in the engine and in memory: one for each key, kept over restarts and failures, bounded, and never lost while sent. */
import fc from 'fast-check';
import t from 'tap';
import { SeededRandom } from '../../src/base/seeded-random.js';
import { type KeyHasher, loadKeyHasher } from '../../src/ring/hash.js';
import { type Slot, slotOf } from '../../src/ring/slot.js';
import { GroupCommitter } from '../../src/storage/group-committer.js';
import { HintHashes } from '../../src/storage/hint-hashes.js';
import { type HintedKey, HintStore } from '../../src/storage/hint-store.js';
import { hintKey, hintPrefix, parseHintKey } from '../../src/storage/keyspace.js';
import { VirtualClock } from '../support/virtual-clock.js';
import { VirtualDisk } from '../support/virtual-disk.js';
import { RecordedLog } from './fixtures/recorded-log.js';

const hasher: KeyHasher = await loadKeyHasher();
const never = (): boolean => false;

function keyOf(text: string): HintedKey {
  const bytes = new TextEncoder().encode(text);
  hasher.hash(bytes);
  return { bytes, start: 0, length: bytes.length, hashHi: hasher.hi, hashLo: hasher.lo };
}

class Rig {
  readonly clock = new VirtualClock();
  readonly disk = new VirtualDisk(new SeededRandom(1));
  committer!: GroupCommitter;
  store!: HintStore;
  readonly #hintsMax: number;

  constructor(hintsMax: number) {
    this.#hintsMax = hintsMax;
  }

  static async made(hintsMax = 1000): Promise<Rig> {
    const rig = new Rig(hintsMax);
    await rig.restart();
    return rig;
  }

  /** A new run of the node on the same disk, with its hints loaded. */
  async restart(): Promise<void> {
    const { clock } = this;
    const engine = this.disk.engine(clock);
    await engine.open();
    this.committer = new GroupCommitter({
      engine,
      clock,
      fsync: 'never',
      log: new RecordedLog(),
      onStateChange: (state) => {
        if (state === 'failed') this.store.forgetMemory();
      },
    });
    this.store = new HintStore({ engine, committer: this.committer, hasher, hintsMax: this.#hintsMax });
    await this.store.load(never);
  }

  add(target: string, ...keys: readonly string[]): boolean[] {
    return keys.map((key) => this.store.add(target, keyOf(key)));
  }

  /** Begins to send and ends: says whether there was a hint to send. */
  send(target: string, key: string, isDone = true): boolean {
    const hints = this.store.find(target)!;
    const { hashHi, hashLo } = keyOf(key);
    if (!this.store.begin(hints, hashHi, hashLo)) return false;
    this.store.end(hints, keyOf(key), isDone);
    return true;
  }

  settle(): Promise<void> {
    return this.clock.advanceAsync(20);
  }

  /** Keys of the stored hints of a target, as they are on the disk. */
  stored(target: string): string[] {
    const keys: string[] = [];
    for (const id of this.disk.content.keys()) {
      const parsed = parseHintKey(Buffer.from(id, 'latin1'));
      if (parsed?.identity === target && parsed.key.length > 0) keys.push(Buffer.from(parsed.key).toString());
    }
    return keys.sort();
  }
}

t.test('one hint for a key and a target, however often it is written', async (t) => {
  const rig = await Rig.made();
  t.same(rig.add('b', 'k1', 'k1', 'k2', 'k1'), [true, true, true, true]);
  rig.add('c', 'k1');
  t.equal(rig.store.count, 3);
  t.equal(rig.store.find('b')!.hints, 2);
  const slot = slotOf(keyOf('k1').hashHi);
  t.equal(rig.store.outstandingFor(slot), 2);
  t.equal(rig.store.outstandingFor(((slot + 1) % 4096) as Slot), 0);
  await rig.settle();
  t.same([rig.stored('b'), rig.stored('c')], [['k1', 'k2'], ['k1']]);
});

t.test('a hint survives the node, and goes when the target has the record', async (t) => {
  const rig = await Rig.made();
  rig.add('b', 'k1', 'k2');
  await rig.settle();
  await rig.restart();
  t.equal(rig.store.count, 2);
  t.ok(rig.send('b', 'k1'));
  t.notOk(rig.send('b', 'k1'), 'gone');
  t.notOk(rig.send('b', 'k3'), 'there never was one');
  await rig.settle();
  await rig.restart();
  t.same([rig.store.count, rig.stored('b')], [1, ['k2']]);
});

t.test('a hint that was not taken stays', async (t) => {
  const rig = await Rig.made();
  rig.add('b', 'k');
  t.ok(rig.send('b', 'k', false));
  t.equal(rig.store.count, 1);
  t.ok(rig.send('b', 'k'), 'and can be sent again');
  t.equal(rig.store.count, 0);
});

t.test('a write while its hint is sent leaves a hint behind (scylla #4122)', async (t) => {
  const rig = await Rig.made();
  rig.add('b', 'k');
  const target = rig.store.find('b')!;
  const key = keyOf('k');
  t.ok(rig.store.begin(target, key.hashHi, key.hashLo));
  t.notOk(rig.store.begin(target, key.hashHi, key.hashLo), 'it is sent once at a time');
  rig.add('b', 'k');
  rig.store.end(target, key, true);
  t.equal(rig.store.count, 1, 'the newer record has still to be sent');
  await rig.settle();
  t.same(rig.stored('b'), ['k']);
  t.ok(rig.send('b', 'k'));
  await rig.settle();
  t.same([rig.store.count, rig.stored('b')], [0, []]);
});

t.test('a session that ends in between leaves nothing that can never be sent', async (t) => {
  const rig = await Rig.made();
  rig.add('b', 'k');
  const target = rig.store.find('b')!;
  rig.store.begin(target, keyOf('k').hashHi, keyOf('k').hashLo);
  rig.store.endSending(target);
  t.ok(rig.send('b', 'k'));
});

t.test('too many: dropped, counted, and the slot marked, over a restart too', async (t) => {
  const rig = await Rig.made(3);
  t.same(rig.add('b', 'k1', 'k2', 'k3'), [true, true, true]);
  t.same(rig.add('c', 'k4', 'k5', 'k4'), [false, false, false]);
  t.same(rig.add('b', 'k1'), [true], 'what is hinted already costs nothing more');
  t.equal(rig.store.count, 3);
  const slots = (): Slot[] => [...rig.store.find('c')!.unsynced].sort();
  const marked = [slotOf(keyOf('k4').hashHi), slotOf(keyOf('k5').hashHi)].sort();
  t.same([rig.store.find('c')!.dropped, slots()], [3, marked]);
  await rig.settle();
  await rig.restart();
  t.same([rig.store.find('c')!.hints, slots()], [0, marked]);
  rig.store.clearUnsynced(rig.store.find('c')!, marked[0]!);
  await rig.settle();
  await rig.restart();
  t.same(slots(), [marked[1]]);
  t.ok(rig.send('b', 'k1'));
  t.same(rig.add('c', 'k4'), [true], 'there is room again');
});

t.test('a failure of the storage: only what is on the disk counts afterwards', async (t) => {
  const rig = await Rig.made();
  rig.add('b', 'k1');
  await rig.settle();
  rig.disk.failure = 'no space left on device';
  rig.add('b', 'k2');
  const before = rig.store.find('b')!;
  await rig.settle();
  t.ok(rig.committer.isFailed);
  t.equal(rig.store.outstandingFor(0 as Slot), Number.POSITIVE_INFINITY, 'nobody knows');
  t.same(rig.add('b', 'k3'), [false]);
  rig.store.end(before, keyOf('k1'), true);
  rig.disk.failure = undefined;
  while (rig.committer.isFailed) await rig.clock.advanceAsync(100);
  await rig.store.load(never);
  t.equal(rig.store.find('b')!.hints, rig.stored('b').length);
  t.ok(rig.stored('b').includes('k1'));
  t.ok(rig.send('b', 'k1'));
});

t.test('hints that are added while those of an earlier run are loaded', async (t) => {
  const rig = await Rig.made(10_000);
  for (let i = 0; i < 2500; i++) rig.add('b', `k${i}`);
  await rig.settle();
  const engine = rig.disk.engine(rig.clock);
  await engine.open();
  const store = new HintStore({ engine, committer: rig.committer, hasher });
  const loading = store.load(never);
  store.add('b', keyOf('k7'));
  store.add('b', keyOf('new'));
  t.notOk(store.isLoaded);
  await loading;
  t.same([store.isLoaded, store.count], [true, 2501]);
});

t.test('what an earlier run has left of a target that is none any more is deleted', async (t) => {
  const rig = await Rig.made(2000);
  for (let i = 0; i < 1500; i++) rig.add('gone', `k${i}`);
  rig.add('b', 'k');
  await rig.settle();
  await rig.store.dropTarget(rig.store.find('gone')!, never);
  await rig.settle();
  t.same([rig.stored('gone'), rig.stored('b'), rig.store.count], [[], ['k'], 1]);
});

t.test('whatever is done in whatever order: nothing is lost, nothing comes back', async (t) => {
  const action = fc.oneof(
    { weight: 5, arbitrary: fc.record({ do: fc.constant('add' as const), at: fc.nat(11), to: fc.nat(2) }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('begin' as const), at: fc.nat(11), to: fc.nat(2) }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('done' as const), at: fc.nat(11), to: fc.nat(2) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('kept' as const), at: fc.nat(11), to: fc.nat(2) }) },
    {
      weight: 1,
      arbitrary: fc.record({ do: fc.constant('restart' as const), at: fc.nat(0), to: fc.nat(0) }),
    },
  );
  const run = async (actions: readonly { do: string; at: number; to: number }[]): Promise<void> => {
    const rig = await Rig.made(20);
    const model = new Set<string>();
    let sending = new Map<string, boolean>();
    for (const { do: what, at, to } of actions) {
      const [target, key, id] = [`t${to}`, `k${at}`, `t${to} k${at}`];
      const hints = rig.store.find(target);
      if (what === 'add') {
        const isKept = model.has(id) || model.size < 20;
        t.equal(rig.add(target, key)[0], isKept);
        if (sending.has(id)) sending.set(id, true);
        if (isKept) model.add(id);
      } else if (what === 'restart') {
        await rig.settle();
        await rig.restart();
        sending = new Map();
      } else if (hints !== undefined && what === 'begin') {
        const canBegin = model.has(id) && !sending.has(id);
        t.equal(rig.store.begin(hints, keyOf(key).hashHi, keyOf(key).hashLo), canBegin);
        if (canBegin) sending.set(id, false);
      } else if (hints !== undefined && sending.has(id)) {
        rig.store.end(hints, keyOf(key), what === 'done');
        if (what === 'done' && sending.get(id) === false) model.delete(id);
        sending.delete(id);
      }
      t.equal(rig.store.count, model.size);
    }
    await rig.settle();
    const stored = ['t0', 't1', 't2'].flatMap((target) =>
      rig.stored(target).map((key) => `${target} ${key}`),
    );
    t.same(stored.sort(), [...model].sort());
  };
  await fc.assert(fc.asyncProperty(fc.array(action, { maxLength: 60, size: 'max' }), run), { numRuns: 150 });
});

t.test('the set of hashes is a set', async (t) => {
  // Few different halves, so that many entries want the same place.
  const hash = fc.tuple(fc.constantFrom(0, 1, 0x80000001), fc.constantFrom(0, 1, 64, 65, 128, 0xffffffc0));
  const action = fc.tuple(fc.boolean(), hash);
  fc.assert(
    fc.property(fc.array(action, { maxLength: 300, size: 'max' }), (actions) => {
      const hashes = new HintHashes();
      const model = new Set<string>();
      for (const [isAdd, [hi, lo]] of actions) {
        // (0, 0) and (0, 1) are the same to it; so are all whose low half is 0 and whose high half differs in one bit.
        if (lo === 0) continue;
        const id = `${hi}:${lo}`;
        if (isAdd) t.equal(hashes.add(hi, lo), !model.has(id));
        else t.equal(hashes.delete(hi, lo), model.has(id));
        if (isAdd) model.add(id);
        else model.delete(id);
        t.equal(hashes.count, model.size);
        t.equal(hashes.has(hi, lo), isAdd);
      }
    }),
  );
  const many = new HintHashes();
  for (let i = 0; i < 100_000; i++) many.add(i, Math.imul(i, 0x9e3779b1));
  t.equal(many.count, 100_000);
  t.ok(many.bytes / many.count <= 22, `${many.bytes / many.count} bytes an entry`);
  for (let i = 0; i < 100_000; i++) many.delete(i, Math.imul(i, 0x9e3779b1));
  t.same([many.count, many.bytes], [0, 512], 'and gives its memory back');
});

t.test('the worked example of FORMAT.md', async (t) => {
  const engineKey = hintKey(hintPrefix('93ab'), 615 as Slot, Buffer.from('user:7'), 0, 6);
  t.equal(Buffer.from(engineKey).toString('hex'), 'fffe04393361620267757365723a37');
  t.match(parseHintKey(engineKey), { identity: '93ab', slot: 615 });
  for (const wrong of ['', 'ff', 'fffe', 'fffe04393361', 'fffe0439336162ff00aa', '0267757365723a37']) {
    t.equal(parseHintKey(Buffer.from(wrong, 'hex')), undefined, wrong);
  }
});
