/** The examples in FORMAT.md are what the code writes. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { loadKeyHasher } from '../../src/ring/hash.js';
import { EngineKey } from '../../src/storage/keyspace.js';
import { encodeRecord, expiredForm } from '../../src/version/record.js';
import { packTime } from '../../src/version/version.js';
import { projectRoot } from '../support/project-root.js';

const text = readFileSync(join(projectRoot(), 'src', 'storage', 'FORMAT.md'), 'utf8');

/** The bytes of the example with this title: the first column of its lines. */
function example(title: string): string {
  const block = text.split(`\`\`\`${title}\n`)[1]!.split('```')[0]!;
  const lines = block.trimEnd().split('\n');
  return lines.map((line) => line.split(/ {2,}/)[0]!.replaceAll(' ', '')).join('');
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

t.test('the worked examples', async (t) => {
  const key = Buffer.from('user:7');
  const hasher = await loadKeyHasher();
  hasher.hash(key);
  const { hi, lo } = hasher;
  t.equal(hex(new EngineKey().of(hi, key, 0, key.length)), example('key'));

  const time = packTime(Date.UTC(2026, 0, 1), 1);
  const node = 0x1a2b3c4e;
  const fields = { time, node, tombstone: false, expiryMs: 0, value: Buffer.from('Ada') };
  t.equal(hex(encodeRecord(fields, lo)), example('record'));
  const expiryMs = Date.UTC(2026, 0, 1, 0, 1);
  t.equal(hex(encodeRecord({ ...fields, expiryMs }, lo)), example('record with expiry'));
  t.equal(hex(expiredForm(time, node, lo)), example('expired form'));
});
