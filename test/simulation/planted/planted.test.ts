/**
 * With a rule left out, what clients see becomes wrong, and is found within a stated number of seeds; with all of them
 * in place the same seed is right. `QUORAL_PLANTED` chooses bugs by a part of their names.
 */
import t from 'tap';
import { CHECKED_BUGS } from './checked-bugs.js';
import { DURABILITY_BUGS } from './durability-bugs.js';
import type { PlantedBug } from './planted-bug.js';
import { QUORUM_BUGS } from './quorum-bugs.js';

const CHOSEN = process.env.QUORAL_PLANTED ?? '';
const BUGS = [...QUORUM_BUGS, ...DURABILITY_BUGS, ...CHECKED_BUGS].filter(({ name }) =>
  name.includes(CHOSEN),
);

/** The first seed whose run is wrong; 0: none of those tried. */
async function seedThatFinds(bug: PlantedBug): Promise<number> {
  for (let seed = 1; seed <= bug.seedsMax; seed++) if ((await bug.run(seed)).length > 0) return seed;
  return 0;
}

for (const bug of BUGS) {
  t.test(`planted: ${bug.name}`, async (t) => {
    const remove = bug.plant();
    t.teardown(remove);
    const seed = await seedThatFinds(bug);
    t.ok(seed > 0, `found by seed ${seed} of ${bug.seedsMax}`);
    remove();
    t.same(await bug.run(Math.max(1, seed)), [], 'without the bug the same seed is right');
  });
}
