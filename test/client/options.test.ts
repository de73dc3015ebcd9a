import t from 'tap';
import { KvError } from '../../src/base/errors.js';
import {
  type ConnectOptions,
  expiryOf,
  pageSizeOr,
  quorumOr,
  resolveAddresses,
  resolveSettings,
  type SetOptions,
  timeoutOr,
} from '../../src/client/options.js';

/** What `make` gives, or the error's code and message. */
function outcome(make: () => unknown): unknown {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof KvError)) throw error;
    return `${error.code}${error.definite ? '' : '?'}: ${error.message}`;
  }
}

t.test('settings have defaults', async (t) => {
  t.same(resolveSettings({}), {
    timeoutMs: 2000,
    connectTimeoutMs: 3000,
    inFlightMax: 1024,
    inFlightBytesMax: 64 * 1024 * 1024,
    retries: 2,
    connectionsPerNode: 1,
  });
  t.equal(resolveSettings({ timeoutMs: undefined }).timeoutMs, 2000);
});

t.test('an option out of range is refused by name', async (t) => {
  const table: [ConnectOptions, string][] = [
    [{ timeoutMs: 0 }, 'timeoutMs must be 1 to 10000, not 0'],
    [{ timeoutMs: 10_001 }, 'timeoutMs must be 1 to 10000, not 10001'],
    [{ timeoutMs: Number.NaN }, 'timeoutMs must be 1 to 10000, not NaN'],
    [{ timeoutMs: '5' as unknown as number }, 'timeoutMs must be 1 to 10000, not 5'],
    [{ connectTimeoutMs: -1 }, 'connectTimeoutMs must be 1 to 10000, not -1'],
    [{ inFlightMax: 0 }, 'inFlightMax must be a whole number from 1 to 60000, not 0'],
    [{ inFlightMax: 1.5 }, 'inFlightMax must be a whole number from 1 to 60000, not 1.5'],
    [{ inFlightMax: 60_001 }, 'inFlightMax must be a whole number from 1 to 60000, not 60001'],
    [{ inFlightBytesMax: 0 }, 'inFlightBytesMax must be a whole number from 1 to 17112760320, not 0'],
    [{ retries: -1 }, 'retries must be a whole number from 0 to 10, not -1'],
    [{ retries: 11 }, 'retries must be a whole number from 0 to 10, not 11'],
    [{ connectionsPerNode: 0 }, 'connectionsPerNode must be a whole number from 1 to 16, not 0'],
  ];
  for (const [options, message] of table) {
    t.equal(
      outcome(() => resolveSettings(options)),
      `BAD_REQUEST: ${message}`,
    );
  }
});

t.test('values at the ends of their ranges are taken', async (t) => {
  for (const options of [
    { timeoutMs: 1, inFlightMax: 1, retries: 0, connectionsPerNode: 1 },
    { timeoutMs: 10_000, inFlightMax: 60_000, retries: 10, connectionsPerNode: 16 },
  ]) {
    t.match(resolveSettings(options), options);
  }
});

t.test('addresses', async (t) => {
  t.same(resolveAddresses('localhost:7400'), ['localhost:7400']);
  t.same(resolveAddresses(['a:1', '[::1]:2', 'a:1']), ['a:1', '[::1]:2']);
  for (const bad of [[], 'localhost', 'a:b', '', ['a:1', 'b'], null, 7400]) {
    t.match(
      outcome(() => resolveAddresses(bad as string)),
      /^BAD_REQUEST: /,
      JSON.stringify(bad),
    );
  }
});

t.test('quorums, page sizes and times of single operations', async (t) => {
  t.equal(quorumOr(undefined, 'r'), 0);
  t.equal(quorumOr(7, 'r'), 7);
  t.equal(
    outcome(() => quorumOr(0, 'r')),
    'BAD_REQUEST: r must be a whole number from 1 to 7, not 0',
  );
  t.equal(
    outcome(() => quorumOr(8, 'w')),
    'BAD_REQUEST: w must be a whole number from 1 to 7, not 8',
  );
  t.equal(pageSizeOr(undefined), 256);
  t.match(
    outcome(() => pageSizeOr(10_001)),
    /^BAD_REQUEST: pageSize/,
  );
  t.equal(timeoutOr(undefined, 5), 5);
  t.equal(timeoutOr(0.5 + 1, 5), 1.5);
});

t.test('expiries', async (t) => {
  const table: [SetOptions, unknown][] = [
    [{}, 0],
    [{ ttlMs: 1 }, 1],
    [{ ttlMs: 60_000 }, 60_000],
    [{ expiresAtMs: 1767225660000 }, 1767225660000],
    [{ ttlMs: undefined, expiresAtMs: 5 }, 5],
    [{ ttlMs: 0 }, `BAD_REQUEST: ttlMs must be a whole number from 1 to ${2 ** 42}, not 0`],
    [{ ttlMs: 1.5 }, `BAD_REQUEST: ttlMs must be a whole number from 1 to ${2 ** 42}, not 1.5`],
    [{ expiresAtMs: -1 }, `BAD_REQUEST: expiresAtMs must be a whole number from 1 to ${2 ** 42}, not -1`],
    [
      { expiresAtMs: 2 ** 42 + 1 },
      `BAD_REQUEST: expiresAtMs must be a whole number from 1 to ${2 ** 42}, not ${2 ** 42 + 1}`,
    ],
    [{ ttlMs: 1, expiresAtMs: 1 }, 'BAD_REQUEST: give ttlMs or expiresAtMs, not both'],
  ];
  for (const [options, expected] of table)
    t.same(
      outcome(() => expiryOf(options)),
      expected,
    );
});
