/**
 * Every writer must look at the outbox's buffer only after it has begun its frame: a frame that makes the buffer grow
 * replaces it. Found when a burst of acknowledgements brought down a node.
 */
import t from 'tap';
import { readU64 } from '../../src/base/bytes.js';
import { Flusher, Outbox } from '../../src/wire/outbox.js';
import {
  writeApplied,
  writePing,
  writeReadRecord,
  writeReadSame,
  writeReadVersion,
  writeStale,
  writeUnsure,
} from '../../src/wire/replica-messages.js';
import { VirtualClock } from '../support/virtual-clock.js';
import { RecordingConnection } from '../support/wire.js';

const CLOCK = 0x1234_5678_9abc;
const RECORD = new Uint8Array(40).fill(7);

const writers: readonly [name: string, write: (outbox: Outbox) => void][] = [
  ['READ_SAME', (outbox) => writeReadSame(outbox, 1, CLOCK)],
  ['READ_VERSION', (outbox) => writeReadVersion(outbox, 1, CLOCK, 5, 6)],
  ['READ_RECORD', (outbox) => writeReadRecord(outbox, 1, CLOCK, RECORD, 0, RECORD.length)],
  ['APPLIED', (outbox) => writeApplied(outbox, 1, CLOCK, 0)],
  ['STALE', (outbox) => writeStale(outbox, 1, CLOCK, 5, 6)],
  ['UNSURE', (outbox) => writeUnsure(outbox, 1, CLOCK)],
  ['PING', (outbox) => writePing(outbox, 1, CLOCK, 3, 4, false)],
];

for (const [name, write] of writers) {
  t.test(`${name} is whole wherever in the buffer it falls`, async (t) => {
    const outbox = new Outbox(new RecordingConnection(), new Flusher(new VirtualClock()));
    for (let count = 0; count < 600; count++) {
      const at = outbox.pendingBytes;
      write(outbox);
      if (readU64(outbox.view, at + 12) !== CLOCK) t.fail(`frame ${count} at byte ${at} has lost its clock`);
    }
    t.ok(outbox.bytes.length > 8192, 'the buffer has grown');
  });
}
