import t from 'tap';
import { KEY_BYTES, Payload } from '../../bench/payload.js';
import { withFrame, written } from '../support/wire.js';
import { writeRecord } from './scripted-network.js';

const textOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1');

t.test('keys are all different and of one length', async (t) => {
  const payload = new Payload(10, 1);
  const cases: [number, string][] = [
    [0, 'key:000000000000'],
    [10, 'key:00000000000a'],
    [0x12ab34cd, 'key:000012ab34cd'],
    [0xffffffff, 'key:0000ffffffff'],
  ];
  for (const [index, key] of cases) t.equal(textOf(payload.key(index)), key);
  t.equal(payload.key(1).length, KEY_BYTES);
  const keys = new Set(Array.from({ length: 200_000 }, (_, index) => textOf(payload.key(index))));
  t.equal(keys.size, 200_000);
});

t.test('values have their size and the index of their key', async (t) => {
  for (const size of [0, 1, 3, 4, 100, 1_000_000]) {
    const payload = new Payload(size, 1);
    for (const index of [0, 7, 0x01020304]) {
      const value = payload.value(index);
      t.equal(value.length, size);
      if (size >= 4) t.equal(new DataView(value.buffer).getUint32(0), index);
    }
  }
});

t.test('values of different keys share nothing that could be compressed', async (t) => {
  const payload = new Payload(100, 1);
  t.notSame(payload.value(1).slice(4), payload.value(2).slice(4));
});

t.test('an answer is checked for size and key', async (t) => {
  const problem = (value: Uint8Array, index: number, size: number) =>
    withFrame(
      written((outbox) => writeRecord(outbox, 1, value)),
      (frame) => new Payload(size, 1).problemOf(frame, index),
    );
  const right = new Payload(20, 1).value(9).slice();
  t.equal(problem(right, 9, 20), undefined);
  t.equal(problem(right, 8, 20), 'WRONG_VALUE');
  t.equal(problem(right, 9, 21), 'WRONG_SIZE');
  t.equal(problem(Uint8Array.of(1, 2), 9, 2), undefined, 'too short to tell');
});

t.test('a value from the client library is checked like a frame', async (t) => {
  const payload = new Payload(20, 1);
  const value = payload.value(258).slice();
  const cases: [problem: string | undefined, value: Uint8Array | null][] = [
    [undefined, value],
    ['ABSENT', null],
    ['WRONG_SIZE', value.slice(1)],
    ['WRONG_VALUE', payload.value(259).slice()],
  ];
  for (const [problem, given] of cases) t.equal(payload.problemOfValue(given, 258), problem);
  t.equal(new Payload(2, 1).problemOfValue(new Uint8Array(2), 7), undefined, 'too short for an index');
});
