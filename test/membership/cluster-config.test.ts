import fc from 'fast-check';
import t from 'tap';
import {
  addressProblem,
  type ClusterConfig,
  effectiveReadQuorum,
  effectiveReplicas,
  effectiveWriteQuorum,
  type Member,
  majority,
  nameProblem,
  parseConfig,
  parseMember,
  REPLICAS_MAX,
} from '../../src/membership/cluster-config.js';
import { decodeBody, encodeBody } from '../../src/wire/body.js';

const MEMBER: Member = { name: 'n1', identity: 'i1', address: '127.0.0.1:7400', weight: 1, zone: 'a' };
const CONFIG: ClusterConfig = {
  clusterId: 'c0ffee',
  epoch: 3,
  replicas: 3,
  readQuorum: 0,
  writeQuorum: 0,
  members: [MEMBER, { ...MEMBER, name: 'n2', address: '[::1]:7401', weight: 2.5, zone: '' }],
};

function configOf(weights: readonly number[], numbers: Partial<ClusterConfig> = {}): ClusterConfig {
  const members = weights.map((weight, i) => ({ ...MEMBER, name: `n${i}`, weight }));
  return { ...CONFIG, members, ...numbers };
}

t.test('a majority is more than half', async (t) => {
  t.same([1, 2, 3, 4, 5, 6, 7].map(majority), [1, 2, 2, 3, 3, 4, 4]);
});

t.test('replicas and quorums are bounded by the members that own data', async (t) => {
  const cases: [weights: number[], numbers: Partial<ClusterConfig>, n: number, r: number, w: number][] = [
    [[1], {}, 1, 1, 1],
    [[1, 1], {}, 2, 2, 2],
    [[1, 1, 1], {}, 3, 2, 2],
    [[1, 1, 1, 1, 1], {}, 3, 2, 2],
    [[1, 1, 1, 1, 1], { replicas: 5 }, 5, 3, 3],
    [[1, 1, 0, 0], {}, 2, 2, 2],
    [[1, 0.5, 0.1], {}, 3, 2, 2],
    [[0], {}, 0, 1, 1],
    [[1, 1, 1], { readQuorum: 1, writeQuorum: 3 }, 3, 1, 3],
    [[1, 1], { readQuorum: 3, writeQuorum: 1 }, 2, 2, 1],
  ];
  for (const [weights, numbers, n, r, w] of cases) {
    const config = configOf(weights, numbers);
    const name = JSON.stringify([weights, numbers]);
    t.equal(effectiveReplicas(config), n, name);
    t.equal(effectiveReadQuorum(config), r, name);
    t.equal(effectiveWriteQuorum(config), w, name);
  }
});

t.test('names', async (t) => {
  for (const name of ['a', 'n1', 'rack-1.node_2', 'A'.repeat(64)])
    t.equal(nameProblem(name), undefined, name);
  for (const name of ['', ' ', 'a b', 'ä', 'a/b', 'a\n', 'A'.repeat(65)]) {
    t.match(nameProblem(name), JSON.stringify(name).slice(0, 10), name);
  }
});

t.test('addresses', async (t) => {
  const good = ['127.0.0.1:7400', 'localhost:0', 'db.example.org:65535', '[::1]:7400', '[fe80::1.2.3.4]:1'];
  for (const address of good) t.equal(addressProblem(address), undefined, address);
  const bad = [
    '',
    'localhost',
    ':7400',
    'a:',
    'a:65536',
    'a:123456',
    'a:-1',
    'a:1x',
    '::1:7400',
    'a b:1',
    '[]:1',
    'a:1\n',
  ];
  for (const address of bad) t.match(addressProblem(address), 'HOST:PORT', address);
});

t.test('a configuration survives the wire', async (t) => {
  t.same(parseConfig(decodeBody(encodeBody(CONFIG))), CONFIG);
});

t.test('fields that are not known are dropped, so that a later version may add some', async (t) => {
  const later = {
    ...CONFIG,
    more: 1,
    members: CONFIG.members.map((member) => ({ ...member, colour: 'red' })),
  };
  t.same(parseConfig(decodeBody(encodeBody(later))), CONFIG);
});

t.test('a member with something wrong is refused', async (t) => {
  t.same(parseMember(decodeBody(encodeBody(MEMBER))), MEMBER);
  const wrong: [string, unknown[]][] = [
    ['name', ['', 'a b', 5, null, undefined]],
    ['address', ['nowhere', '', 7400, undefined]],
    ['weight', [-1, 100.1, NaN, Infinity, '1', null, undefined]],
    ['identity', ['i'.repeat(65)]],
    ['zone', [undefined, 1, null, 'z'.repeat(65)]],
  ];
  for (const [field, values] of wrong) {
    for (const value of values)
      t.equal(parseMember({ ...MEMBER, [field]: value }), undefined, `${field} ${value}`);
  }
  t.equal(parseMember(undefined), undefined);
  for (const weight of [0, 0.25, 100]) t.same(parseMember({ ...MEMBER, weight }), { ...MEMBER, weight });
});

t.test('a configuration with something wrong is refused', async (t) => {
  const wrong: [keyof ClusterConfig, unknown[]][] = [
    ['clusterId', [undefined, 1, 'x'.repeat(8193)]],
    ['epoch', [0, -1, 1.5, 2 ** 32, '1', undefined]],
    ['replicas', [0, REPLICAS_MAX + 1, 2.5, undefined]],
    ['readQuorum', [-1, REPLICAS_MAX + 1, undefined]],
    ['writeQuorum', [-1, REPLICAS_MAX + 1, undefined]],
    [
      'members',
      [[], undefined, {}, [MEMBER, 5], [null], [[MEMBER]], [MEMBER, MEMBER], [{ ...MEMBER, weight: -1 }]],
    ],
  ];
  for (const [field, values] of wrong) {
    for (const value of values) {
      t.equal(parseConfig({ ...CONFIG, [field]: value }), undefined, `${field} ${JSON.stringify(value)}`);
    }
  }
  t.equal(parseConfig(undefined), undefined);
});

t.test('what is parsed is always within its bounds', async () => {
  const loose = fc.record(
    {
      clusterId: fc.string(),
      epoch: fc.oneof(fc.integer({ min: -1, max: 5 }), fc.double()),
      replicas: fc.integer({ min: -1, max: 9 }),
      readQuorum: fc.integer({ min: -1, max: 9 }),
      writeQuorum: fc.integer({ min: -1, max: 9 }),
      members: fc.array(
        fc.record({
          name: fc.constantFrom('a', 'b', 'c', 'd e', ''),
          address: fc.constantFrom('h:1', 'h', 'h:99999'),
          weight: fc.oneof(fc.constantFrom(0, 1, 100), fc.double()),
          zone: fc.string(),
        }),
        { maxLength: 3 },
      ),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(loose, (given) => {
      const config = parseConfig(given);
      if (config === undefined) return true;
      const names = new Set(config.members.map((member) => member.name));
      const isNamed =
        names.size === config.members.length && names.size > 0 && !names.has('') && !names.has('d e');
      const isCounted = config.epoch >= 1 && config.replicas >= 1 && config.replicas <= REPLICAS_MAX;
      return (
        isNamed && isCounted && config.members.every((member) => member.weight >= 0 && member.weight <= 100)
      );
    }),
    { numRuns: 1000 },
  );
});
