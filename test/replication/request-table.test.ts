/** Requests in flight: ids are never 0, late replies find nobody, and an id comes back only after very many others. */
import t from 'tap';
import type { Request } from '../../src/replication/request.js';
import { REQUEST_ID_LIMIT, RequestTable } from '../../src/replication/request-table.js';

/** Only what the table touches. */
function request(): Request {
  return { id: 0, index: 0 } as unknown as Request;
}

t.test('a request is found under its id until it is removed', async (t) => {
  const table = new RequestTable();
  const one = request();
  const two = request();
  table.add(one);
  table.add(two);
  t.equal(table.active, 2);
  t.not(one.id, two.id);
  t.equal(table.find(one.id), one);
  t.equal(table.find(two.id), two);
  const { id } = one;
  table.remove(one);
  t.equal(table.active, 1);
  t.equal(one.id, 0);
  t.equal(table.find(id), undefined);
  t.equal(table.find(0), undefined, 'nobody has id 0');
  t.equal(table.find(0xffffffff), undefined);
});

t.test('renewed, a request is no longer found under its old id', async (t) => {
  const table = new RequestTable();
  const one = request();
  table.add(one);
  const { id } = one;
  table.renew(one);
  t.not(one.id, id);
  t.equal(table.find(id), undefined);
  t.equal(table.find(one.id), one);
});

t.test(
  'a late reply does not reach a request of the same slot, however many have come between',
  async (t) => {
    // A replica may answer seconds late. At 100,000 requests a second one after the other, that is a million ids.
    const table = new RequestTable();
    const late = request();
    table.add(late);
    const { id } = late;
    table.remove(late);
    let taken = 0;
    for (let i = 0; i < 2_000_000 && taken === 0; i++) {
      const next = request();
      table.add(next);
      if (next.id === id) taken = i;
      table.remove(next);
    }
    t.equal(taken, 0, 'the id was given again after so many requests');
  },
);

t.test('ids are below the limit and above 0, through every generation', async (t) => {
  const table = new RequestTable();
  const one = request();
  table.add(one);
  let bad = 0;
  for (let i = 0; i < 10_000; i++) {
    table.renew(one);
    if (one.id <= 0 || one.id >= REQUEST_ID_LIMIT || table.find(one.id) !== one) bad = one.id;
  }
  t.equal(bad, 0);
});

t.test('every request in flight is visited, and may be removed meanwhile', async (t) => {
  const table = new RequestTable();
  const all = Array.from({ length: 10 }, request);
  for (const each of all) table.add(each);
  const seen: Request[] = [];
  table.forEach((each) => {
    seen.push(each);
    if (seen.length === 1) table.remove(all[5]!);
  });
  t.equal(seen.length, 9);
  t.notOk(seen.includes(all[5]!));
  t.equal(new Set(seen).size, 9);
});

t.test('many at once have different ids', async (t) => {
  const table = new RequestTable();
  const all = Array.from({ length: 20_000 }, request);
  for (const each of all) table.add(each);
  t.equal(new Set(all.map(({ id }) => id)).size, all.length);
  for (const each of all) table.remove(each);
  t.equal(table.active, 0);
  const one = request();
  table.add(one);
  t.equal(table.find(one.id), one);
});
