/** What a peer may send to the failure detector, and what is refused. */
import t from 'tap';
import type { Claim } from '../../src/membership/member-claim.js';
import * as messages from '../../src/membership/swim-messages.js';
import { type Body, decodeBody, encodeBody } from '../../src/wire/body.js';

const SUSPECT: Claim = { name: 'x', identity: 'i', incarnation: 3, state: 'suspect', by: ['a', 'b'] };
const ALIVE: Claim = { name: 'y', identity: '', incarnation: 0, state: 'alive', by: [] };

const travelled = (body: Body): Body => decodeBody(encodeBody(body))!;

t.test('what is written is read', async (t) => {
  const probe = messages.parseProbe(travelled(messages.probeBody(9, [SUSPECT, ALIVE])));
  t.same(probe, { incarnation: 9, claims: [SUSPECT, ALIVE] });
  const request = messages.parseProbeRequest(travelled(messages.probeRequestBody('x', 400, [SUSPECT])));
  t.same(request, { target: 'x', timeoutMs: 400, claims: [SUSPECT] });
  t.same(messages.parseClaims(travelled(messages.claimsBody([]))), []);
});

t.test('every field is checked', async (t) => {
  const good = { ...SUSPECT };
  const wrong: Readonly<Record<string, unknown>>[] = [
    { ...good, name: 5 },
    { ...good, name: 'no spaces' },
    { ...good, identity: undefined },
    { ...good, identity: 'i'.repeat(65) },
    { ...good, incarnation: -1 },
    { ...good, incarnation: 1.5 },
    { ...good, incarnation: 2 ** 53 },
    { ...good, state: 'dead' },
    { ...good, by: 'a' },
    { ...good, by: [1] },
    { ...good, by: ['not a name'] },
    { ...good, by: new Array(65).fill('a') },
  ];
  t.same(messages.parseClaims({ claims: [good] }), [good]);
  for (const claim of wrong) {
    t.throws(() => messages.parseClaims({ claims: [good, claim] }), { code: 'BAD_REQUEST', definite: true });
  }
  for (const claims of [undefined, 'x', [5], [null], [[]]]) {
    t.throws(() => messages.parseClaims({ claims }), { code: 'BAD_REQUEST' });
  }
  for (const incarnation of [undefined, -1, 'x', Number.NaN]) {
    t.throws(() => messages.parseProbe({ incarnation, claims: [] }), { code: 'BAD_REQUEST' });
  }
  for (const [target, timeoutMs] of [
    [5, 400],
    ['x', 0],
    ['x', 8001],
    ['x', undefined],
    [undefined, 400],
  ]) {
    t.throws(() => messages.parseProbeRequest({ target, timeoutMs, claims: [] }), { code: 'BAD_REQUEST' });
  }
});

t.test('only a suspicion has suspectors', async (t) => {
  t.same(messages.parseClaims({ claims: [{ ...SUSPECT, state: 'faulty' }] }), [
    { ...SUSPECT, state: 'faulty', by: [] },
  ]);
});
