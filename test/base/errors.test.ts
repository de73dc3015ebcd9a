import t from 'tap';
import { assert, definite, indefinite, KvError, messageOf } from '../../src/base/errors.js';

t.test('an error carries its code, its definiteness and its cause', async (t) => {
  const cause = new Error('disk');
  const error = new KvError('STORAGE_FAILED', 'closed', { definite: true, cause });
  t.ok(error instanceof Error);
  t.match(error, { name: 'KvError', code: 'STORAGE_FAILED', message: 'closed', definite: true });
  t.equal(error.cause, cause);
  t.match(String(error), 'KvError: closed');
});

t.test('without a cause there is no cause property', async (t) => {
  t.notOk('cause' in new KvError('BUSY', 'later', { definite: true }));
});

t.test('definite and indefinite say which they are', async (t) => {
  const cause = new Error('x');
  t.match(definite('BUSY', 'later', cause), { code: 'BUSY', message: 'later', definite: true, cause });
  t.match(indefinite('QUORUM_TIMEOUT', 'late', cause), { code: 'QUORUM_TIMEOUT', definite: false, cause });
});

t.test('an assertion throws only when it does not hold', async (t) => {
  assert(true, 'never seen');
  t.throws(() => assert(1 > 2, 'one is more than two'), {
    message: 'assertion failed: one is more than two',
  });
});

t.test('the message of anything thrown', async (t) => {
  t.equal(messageOf(new TypeError('boom')), 'boom');
  t.equal(messageOf('text'), 'text');
  t.equal(messageOf(undefined), 'undefined');
});
