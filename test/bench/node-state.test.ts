import t from 'tap';
import { parseState, wholeProblem } from '../../bench/node-state.js';

const STATUS = {
  state: 'serving',
  members: [{ state: 'self' }, { state: 'alive' }, { state: 'faulty' }, 'nonsense'],
  hints: { hints: 7, replayed: 5 },
  memory: { rssBytes: 1000 },
  antiEntropy: {
    lastRound: { at: 123, peer: 'n2', slotsDiffering: 4 },
    totals: { rounds: 3, keysFetched: 10, keysSent: 20, bytes: 400 },
    slots: { divergent: 1, unbuilt: 2 },
    trees: { bytes: 5000, recordsRead: 60 },
  },
};

t.test('what matters of a status', async (t) => {
  t.same(parseState(STATUS), {
    state: 'serving',
    live: 2,
    hints: 7,
    hintsReplayed: 5,
    rssBytes: 1000,
    antiEntropy: {
      rounds: 3,
      keysMoved: 30,
      bytes: 400,
      slotsDivergent: 1,
      slotsUnbuilt: 2,
      treeBytes: 5000,
      recordsRead: 60,
      lastRoundAt: 123,
      lastPeer: 'n2',
      lastSlotsDiffering: 4,
    },
  });
});

t.test('what is missing counts as nothing', async (t) => {
  const state = parseState({});
  t.match(state, { state: '', live: 0, hints: 0, antiEntropy: { rounds: 0, lastPeer: '' } });
  t.match(parseState({ antiEntropy: { lastRound: null, totals: 5 } }), { antiEntropy: { lastRoundAt: 0 } });
});

t.test('a cluster is whole when all serve, see each other and keep no hints', async (t) => {
  const names = ['n1', 'n2'];
  const well = parseState({ ...STATUS, hints: {} });
  const cases: [problem: string | undefined, second: typeof well | undefined][] = [
    [undefined, well],
    ['n2 does not answer', undefined],
    ['n2 is syncing', { ...well, state: 'syncing' }],
    ['n2 sees 1 of 2 alive', { ...well, live: 1 }],
    ['n2 keeps 9 hints', { ...well, hints: 9 }],
  ];
  for (const [problem, second] of cases) t.equal(wholeProblem(names, [well, second]), problem);
});
