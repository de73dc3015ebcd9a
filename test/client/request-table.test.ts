import t from 'tap';
import { Request } from '../../src/client/request.js';
import { RequestTable } from '../../src/client/request-table.js';
import { GET } from '../../src/wire/message-type.js';

const request = () => new Request(GET, undefined, () => undefined, 1000);

t.test('a request is found by its current id only', async (t) => {
  const table = new RequestTable();
  const [a, b] = [request(), request()];
  table.add(a);
  table.add(b);
  t.not(a.id, b.id);
  t.equal(table.find(a.id), a);
  t.equal(table.find(b.id), b);
  const old = a.id;
  table.renew(a);
  t.equal(table.find(old), undefined);
  t.equal(table.find(a.id), a);
  t.equal(table.size, 2);
});

t.test('an id is not found after its request, and not by the next in its slot', async (t) => {
  const table = new RequestTable();
  const a = request();
  table.add(a);
  const { id, index } = a;
  table.remove(a);
  t.equal(table.find(id), undefined);
  t.equal(table.size, 0);
  const b = request();
  table.add(b);
  t.equal(b.index, index);
  t.equal(table.find(id), undefined);
});

t.test('no id is ever 0, and a slot starts again after 65535 generations', async (t) => {
  const table = new RequestTable();
  const a = request();
  table.add(a);
  const first = a.id;
  for (let i = 1; i < 65535; i++) {
    table.renew(a);
    if (a.id === 0 || a.id === first) t.fail(`generation ${i} has id ${a.id}`);
  }
  table.renew(a);
  t.equal(a.id, first);
});

t.test('walking it survives removals and additions', async (t) => {
  const table = new RequestTable();
  const all = [request(), request(), request()];
  for (const each of all) table.add(each);
  const seen: Request[] = [];
  table.forEach((each) => {
    seen.push(each);
    if (each === all[0]) table.remove(all[1]!);
    table.remove(each);
  });
  t.same(seen, [all[0], all[2]]);
  t.equal(table.size, 0);
  t.equal(table.find(0), undefined);
});
