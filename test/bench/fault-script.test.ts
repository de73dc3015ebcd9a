import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import t from 'tap';
import { faultScript, victimsOf } from '../../bench/faults/script.js';
import { SmallDisk } from '../../bench/faults/small-disk.js';
import { NodeProcess } from '../../bench/node-process.js';

const nodes = (count: number) =>
  Array.from({ length: count }, (_, i) => {
    const name = `n${i + 1}`;
    return new NodeProcess({
      name,
      address: `127.0.0.1:${20_000 + i}`,
      data: `/nowhere/${name}`,
      options: [],
    });
  });

const struck = (count: number) => {
  const { killed, stopped, emptied, full } = victimsOf(nodes(count));
  return [killed, stopped, emptied, full].map(({ name }) => name);
};

t.test('every fault has its node, and the founder none', async (t) => {
  t.same(struck(5), ['n5', 'n4', 'n3', 'n2']);
  t.same(struck(4), ['n4', 'n3', 'n2', 'n2']);
  t.same(struck(3), ['n3', 'n2', 'n2', 'n2'], 'with few nodes some are struck twice');
});

t.test('the phases begin and end with a quiet one', async (t) => {
  const script = faultScript(victimsOf(nodes(5)), undefined);
  t.same(
    script.map(({ name }) => name),
    [
      'quiet',
      'n5 killed',
      'n5 back',
      'n4 stopped, continued',
      'n3 without its data',
      'rolling restart',
      'quiet again',
    ],
    'without a disk of its own, none is filled',
  );
  t.same(
    script.filter(({ leavesFault }) => leavesFault).map(({ name }) => name),
    ['n5 killed'],
    'only the killed node stays away into the next phase',
  );
});

t.test('by default everything takes less than four minutes', async (t) => {
  const script = faultScript(victimsOf(nodes(5)), undefined);
  // The phase of the disk is not among them. A minute is left for becoming whole between the phases.
  const seconds = script.reduce((sum, { waitsUpTo = 1 }) => sum + 15 * waitsUpTo, 15 * 1.7);
  t.ok(seconds <= 180, `${seconds} s in phases`);
});

t.test('a small disk fills, and has space again', async (t) => {
  const disk = await SmallDisk.mount(t.testdir(), 2);
  if (disk === undefined) {
    t.pass('no file system can be mounted here');
    return;
  }
  await disk.fill();
  await t.rejects(writeFile(disk.data, Buffer.alloc(8192)), { code: 'ENOSPC' });
  await disk.empty();
  await writeFile(disk.data, Buffer.alloc(8192));
  await disk.stop();
  await disk.stop();
  t.notOk(existsSync(disk.data), 'unmounted, once');
});
