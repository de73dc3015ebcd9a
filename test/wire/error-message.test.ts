import fc from 'fast-check';
import t from 'tap';
import { writeBody } from '../../src/wire/body.js';
import { readError, writeError } from '../../src/wire/error-message.js';
import { ERROR } from '../../src/wire/message-type.js';
import { withFrame, written } from '../support/wire.js';

t.test('what is said is what is heard', async () => {
  const code = fc.constantFrom('BUSY', 'QUORUM_TIMEOUT', 'INTERNAL');
  fc.assert(
    fc.property(fc.nat(), code, fc.string(), fc.boolean(), (id, code, message, definite) => {
      const sent = written((outbox) => writeError(outbox, id, code, message, definite));
      return withFrame(sent, (frame) => {
        const error = readError(frame);
        const isSame = error.code === code && error.message === message && error.definite === definite;
        return isSame && frame.type === ERROR && frame.id === id && frame.keyLength === 0;
      });
    }),
  );
});

t.test('an error that cannot be read promises nothing', async (t) => {
  for (const body of [{}, { code: 5 }, { message: 'x', definite: true }]) {
    const sent = written((outbox) => writeBody(outbox, ERROR, 1, body));
    t.match(withFrame(sent, readError), { code: 'PROTOCOL', definite: false }, JSON.stringify(body));
  }
  const empty = written((outbox) => void outbox.begin(ERROR, 0, 1, 0, 0));
  t.match(withFrame(empty, readError), { code: 'PROTOCOL', definite: false });
});

t.test('only true is definite, and a message may be missing', async (t) => {
  for (const definite of [false, 1, 'true', null, undefined]) {
    const sent = written((outbox) => writeBody(outbox, ERROR, 1, { code: 'BUSY', definite }));
    t.match(withFrame(sent, readError), { code: 'BUSY', message: '', definite: false }, String(definite));
  }
});

t.test('codes of later versions pass', async (t) => {
  const sent = written((outbox) => writeBody(outbox, ERROR, 1, { code: 'BALLOT_LOST', definite: true }));
  t.match(withFrame(sent, readError), { code: 'BALLOT_LOST', definite: true });
});
