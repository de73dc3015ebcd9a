import t from 'tap';
import { parseStat, processCpuUs, serverCpuUs } from '../../bench/process-cpu.js';

const STAT = '42 (a (odd) name) S 1 42 42 0 -1 4194560 100 200 0 0 11 22 33 44 20 0 11 0 5 6 7';

t.test('the times are found behind any name', async (t) => {
  t.same(parseStat(STAT), { own: 33, endedChildren: 77 });
});

t.test('what is no such line is unknown', async (t) => {
  for (const line of ['', '42 (node)', '42 (node) S 1 2', STAT.replace('11 22', 'x y')]) {
    t.equal(parseStat(line), undefined, line);
  }
});

t.test('a process that is not there has no time, and adds none', async (t) => {
  t.equal(processCpuUs(2 ** 30), undefined);
  // Elsewhere than on Linux nobody can be asked.
  if (process.platform !== 'linux') return;
  t.ok(processCpuUs(process.pid)! >= 10_000);
  const ended = serverCpuUs([])!;
  t.ok(serverCpuUs([process.pid])! >= ended + 10_000);
  t.equal(serverCpuUs([2 ** 30]), ended);
});
