import { FIVE, type Scenario } from '../scenario.js';

const AWKWARD = [
  '::',
  'a::b::0',
  '\n\r\n',
  '\u0000',
  '"',
  '{"key":"x"}',
  ' ',
  '-',
  'ü€😀',
  'x'.repeat(100_000),
];

export const separatorsInValues: Scenario = {
  name: 'separators-in-values',
  story:
    'Keys and values made of separators, line ends, zero bytes and quotes, and one of 100 000 bytes in pieces: all come back as they were.',
  async run(world) {
    await world.formed({ nodes: FIVE });
    const keys = AWKWARD.map((text) => text.slice(0, 1000));
    const writing = keys.map((key, i) => world.client(FIVE[i % 5]!).set(key, AWKWARD[i]!, { quorum: 3 }));
    world.equal(await world.tally(writing), { 'done, new': AWKWARD.length }, 'creates');
    for (const name of FIVE) {
      const answers = await world.until(Promise.all(keys.map((key) => world.client(name).get(key))));
      const same = answers.filter((answer, i) => answer.kind === 'value' && answer.value === AWKWARD[i]);
      world.equal(same.length, AWKWARD.length, `values that came back at ${name}`);
    }
    world.equal((await world.scan('a', 3)).sort(), [...keys].sort(), 'keys of a scan');
  },
};
