import t from 'tap';
import type { ErrorCode } from '../../src/base/errors.js';
import { knownCode, mayRetry, reconnectDelayMs, retryDelayMs } from '../../src/client/retry.js';

/** For each code: whether a read, a write after a definite error, and a write after an indefinite one go again. */
const TABLE: Readonly<Record<ErrorCode, 'never' | 'elsewhere' | 'soon'>> = {
  BAD_REQUEST: 'never',
  TOO_LARGE: 'never',
  UNKNOWN_TYPE: 'never',
  JOIN_REFUSED: 'never',
  TIMEOUT: 'never',
  ABORTED: 'never',
  CLOSED: 'never',
  QUORUM_UNAVAILABLE: 'elsewhere',
  QUORUM_TIMEOUT: 'elsewhere',
  QUORUM_CONTESTED: 'elsewhere',
  STORAGE_FAILED: 'elsewhere',
  NOT_A_MEMBER: 'elsewhere',
  CONNECTION_LOST: 'elsewhere',
  CONNECT_FAILED: 'elsewhere',
  PROTOCOL: 'elsewhere',
  INTERNAL: 'elsewhere',
  BUSY: 'soon',
  CLOCK_NOT_READY: 'soon',
  CONFIG_CHANGING: 'soon',
  EPOCH_MISMATCH: 'soon',
  SYNCING: 'elsewhere',
};

t.test('what is sent again', async (t) => {
  for (const [code, retryClass] of Object.entries(TABLE) as [ErrorCode, string][]) {
    const attempt = (isRead: boolean, definite: boolean, failures: number, retries: number) =>
      mayRetry({ code, isRead, definite, failures, retries });
    const isPossible = retryClass !== 'never';
    for (const definite of [true, false]) {
      t.equal(attempt(true, definite, 1, 2), isPossible, `${code}: a read, definite ${definite}`);
    }
    t.equal(attempt(false, true, 1, 2), isPossible, `${code}: a write that did not happen`);
    t.equal(attempt(false, false, 1, 2), false, `${code}: a write that may have happened`);
    t.equal(attempt(true, true, 2, 2), isPossible, `${code}: the last attempt that the bound allows`);
    t.equal(attempt(true, true, 3, 2), retryClass === 'soon', `${code}: past the bound`);
    t.equal(attempt(true, true, 1, 0), false, `${code}: retries switched off`);
  }
});

t.test('delays double up to a bound, and are jittered by half', async (t) => {
  const low = { u32: () => 0, next: () => 0, below: () => 0 };
  const high = { u32: () => 0, next: () => 0.999999, below: () => 0 };
  for (const [failures, delayMs] of [
    [1, 10],
    [2, 20],
    [3, 40],
    [6, 250],
    [1000, 250],
  ] as const) {
    t.equal(retryDelayMs(failures, low), delayMs / 2);
    t.ok(Math.abs(retryDelayMs(failures, high) - delayMs) < 0.01);
  }
  t.equal(reconnectDelayMs(1, low), 25);
  t.equal(reconnectDelayMs(50, low), 1500);
});

t.test('a code from a newer node is INTERNAL', async (t) => {
  t.equal(knownCode('BUSY'), 'BUSY');
  t.equal(knownCode('CLOCK_DRIFT'), 'INTERNAL');
  t.equal(knownCode('toString'), 'INTERNAL');
});
