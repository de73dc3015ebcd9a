import t from 'tap';
import { chooseNode, ownerToOpen, type RouteNode, type Standing } from '../../src/client/routing.js';

interface TestNode extends RouteNode {
  readonly name: string;
}

/**
 * Nodes from a picture: `A` ready, `A~` suspect, `A-` down and may be opened, `A.` down and left alone for now,
 * `A+` being opened, `Ax` down and not believed to live.
 */
function nodes(picture: string): TestNode[] {
  const standings: Record<string, Standing> = { '': 'ready', '~': 'suspect' };
  return picture
    .split(' ')
    .filter((word) => word !== '')
    .map((word) => {
      const [name, mark] = [word[0]!, word.slice(1)];
      return {
        name,
        standing: standings[mark] ?? 'down',
        isLive: mark !== 'x',
        isOpening: mark === '+',
        canOpen: () => mark === '-' || mark === 'x',
      };
    });
}

t.test('the node that a request goes to', async (t) => {
  const table: [owners: string, others: string, start: number, avoid: string, chosen: string, why: string][] =
    [
      ['A B C', 'D E', 0, '', 'A', 'the first owner'],
      ['A B C', 'D E', 1, 'A', 'B', 'the next owner after a failure at the first'],
      ['A- B C', 'D E', 0, '', 'B', 'an owner that is connected rather than one that is not'],
      ['A~ B C', 'D E', 0, '', 'B', 'an owner that answers rather than a silent one'],
      ['A- B. C+', 'D E', 0, '', 'D', 'any node while no owner is connected'],
      ['A- B- C-', 'D E', 1, '', 'E', 'others in turn'],
      ['A- B- C-', 'D E-', 1, '', 'D', 'others, those that are connected'],
      ['A~ B- C-', 'D', 0, '', 'D', 'another node rather than a silent owner'],
      ['A B- C-', 'A B- C-', 0, 'A', 'A', 'the one that failed when it is the only one'],
      ['A B- C-', 'A D~', 0, 'A', 'A', 'the one that failed rather than a silent one'],
      ['A- B~ C-', 'D~', 0, '', 'B', 'a silent owner rather than another silent node'],
      ['A- B-', 'C D~', 0, 'C', 'C', 'one that failed but answers'],
      ['A- B-', 'C- D~', 0, '', 'D', 'a silent node rather than none'],
      ['A- B.', 'C- D+', 0, '', '', 'none'],
      ['', 'A B C', 2, '', 'C', 'without a key, the nodes in turn'],
      ['', 'A B C', 5, 'C', 'A', 'in turn, around the end'],
      ['', '', 0, '', '', 'none of none'],
    ];
  for (const [owners, others, start, avoid, chosen, why] of table) {
    const all = new Map<string, TestNode>();
    const shared = (picture: string) =>
      nodes(picture).map((node) => {
        const known = all.get(node.name) ?? node;
        all.set(node.name, known);
        return known;
      });
    const [first, second] = [shared(owners), shared(others)];
    t.equal(chooseNode(first, second, start, all.get(avoid))?.name ?? '', chosen, why);
  }
});

t.test('the owner that is connected to for later', async (t) => {
  const table: [owners: string, opened: string, why: string][] = [
    ['A B C', '', 'none when the first is connected'],
    ['A- B C', 'A', 'the first'],
    ['A- B- C-', 'A', 'one at a time'],
    ['A+ B- C-', '', 'none while an earlier one is on its way'],
    ['A. B- C', 'B', 'the next when the first is left alone after a failure'],
    ['A. B C-', '', 'none behind one that is connected'],
    ['A~ B- C', 'B', 'one behind a silent node'],
    ['Ax B- C', 'B', 'not one that the cluster takes for dead'],
    ['', '', 'none of none'],
  ];
  for (const [owners, opened, why] of table) t.equal(ownerToOpen(nodes(owners), 0)?.name ?? '', opened, why);
});
