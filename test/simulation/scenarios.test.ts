/** Every scenario, under the seed that is its own. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { projectRoot } from '../support/project-root.js';
import { play } from './scenario.js';
import { runScenario, SCENARIOS } from './scenarios/index.js';

t.test('one file for each scenario, named like it, and none is left out', async (t) => {
  const files = readdirSync(join(projectRoot(), 'test/simulation/scenarios'))
    .filter((file) => file.endsWith('.ts') && file !== 'index.ts')
    .map((file) => file.slice(0, -'.ts'.length));
  t.same([...SCENARIOS.keys()].sort(), files.sort());
});

t.test('what does not come as expected is a failure, with the reason', async (t) => {
  const broken = await play({
    name: 'broken',
    story: 'A read of what nobody wrote.',
    run: async (world) => {
      await world.formed();
      world.equal(await world.get('a', 'k'), 'v', 'the read');
    },
  });
  t.equal(broken.failure, 'the read: expected v, found absent');
  t.match((await play({ name: 'idle', story: '', run: async () => {} })).failure, /expects nothing/);
  t.equal(await runScenario('no-such-scenario'), undefined);
});

for (const { name, story } of SCENARIOS.values()) {
  t.test(`${name}: ${story}`, async (t) => {
    const outcome = await runScenario(name);
    t.equal(outcome?.failure, undefined, `${outcome?.checks} expectations`);
    if (outcome?.failure !== undefined) t.comment(outcome.lines.join('\n'));
  });
}
