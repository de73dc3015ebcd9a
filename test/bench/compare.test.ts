import t from 'tap';
import { formatComparison, parseResult } from '../../bench/compare.js';
import type { BenchResult } from '../../bench/result.js';
import { CLOSED_RUN, OPEN_RUN, RESULT } from './results.js';

const COMPARISON = `compared with 2026-01-02T03:04:05.678Z (node v20.20.2)

get 50×1           before        now   ratio
  ops/s           123,457     61,728   0.50×
  p50            0.312 ms   0.625 ms   2.00×
  p95            0.801 ms   0.801 ms   1.00×
  p99             1.23 ms    1.23 ms   1.00×
  p99.9          12.35 ms   12.35 ms   1.00×
  max            123.5 ms   123.5 ms   1.00×
  server µs/op       12.3    unknown
  memory MiB        2,100      2,100   1.00×
  errors                0          2
  ! valueBytes was 100, is 1000
  ! nodes were 3, are 5

b 50×1: not in the earlier result
`;

t.test('runs of the same name stand beside each other with their ratios', async (t) => {
  const now: BenchResult = {
    ...RESULT,
    runs: [
      {
        ...CLOSED_RUN,
        settings: { ...CLOSED_RUN.settings, valueBytes: 1000, seed: 2 },
        cluster: { ...CLOSED_RUN.cluster, nodes: 5 },
        operationsPerSecond: 61_728.35,
        latencyUs: { ...CLOSED_RUN.latencyUs, p50: 624.8 },
        serverCpu: null,
        errors: { BUSY: 2 },
      },
      { ...OPEN_RUN, name: 'b 50×1' },
    ],
  };
  t.equal(formatComparison(RESULT, now), COMPARISON);
});

t.test('a saved result is read back as it was', async (t) => {
  t.same(parseResult(JSON.stringify(RESULT), 'x.json'), RESULT);
});

t.test('what is not a result of this version is refused by name', async (t) => {
  const cases = ['{', 'null', '[]', '{}', JSON.stringify({ ...RESULT, format: 2 }), '{"format":1,"runs":[]}'];
  for (const text of cases) {
    t.throws(() => parseResult(text, 'x.json'), { code: 'BAD_REQUEST', message: /^x\.json is not/ }, text);
  }
});
