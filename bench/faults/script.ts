/** What happens to the cluster, phase by phase. Each phase leaves a cluster that becomes whole again by itself. */
import { rm } from 'node:fs/promises';
import type { NodeProcess } from '../node-process.js';
import { fetchState, untilAnswers } from '../node-state.js';
import { clusterProblem, type PhaseContext, type PhaseSpec } from './phase.js';
import type { SmallDisk } from './small-disk.js';

/** How long a node stands still: longer than anybody waits for it, shorter than it is forgotten. */
const STOPPED_MS = 10_000;
/** The part of a phase that a fault takes which ends within it; the rest shows the recovery. */
const FAULT_SHARE = 2 / 3;
const START_MS_MAX = 10_000;
const REFILL_MS = 500;

/** Which node is struck by what. With few nodes some are struck twice. */
export interface Victims {
  readonly killed: NodeProcess;
  readonly stopped: NodeProcess;
  readonly emptied: NodeProcess;
  readonly full: NodeProcess;
}

/** The founder is left out where there are enough others: it orders the joins, and so is a case of its own. */
export function victimsOf(nodes: readonly NodeProcess[]): Victims {
  const last = nodes.length - 1;
  const at = (index: number) => nodes[Math.max(1, index)]!;
  return { killed: at(last), stopped: at(last - 1), emptied: at(last - 2), full: at(1) };
}

/** @param disk the one that the data of `victims.full` is on; undefined: the phase of the full disk is left out. */
export function faultScript(victims: Victims, disk: SmallDisk | undefined): PhaseSpec[] {
  const { killed, stopped, emptied, full } = victims;
  return [
    { name: 'quiet', act: async () => {} },
    { name: `${killed.name} killed`, act: (context) => kill(context, killed), leavesFault: true },
    { name: `${killed.name} back`, act: (context) => bringBack(context, killed) },
    { name: `${stopped.name} stopped, continued`, act: (context) => standStill(context, stopped) },
    { name: `${emptied.name} without its data`, act: (context) => empty(context, emptied), waitsUpTo: 2 },
    { name: 'rolling restart', act: restartAll, waitsUpTo: 3 },
    ...(disk ? [{ name: `disk of ${full.name} full`, act: fullDisk(full, disk), waitsUpTo: 1.7 }] : []),
    { name: 'quiet again', act: async () => {} },
  ];
}

async function kill(context: PhaseContext, node: NodeProcess): Promise<void> {
  await node.kill();
  context.note(`${node.name} was killed at the beginning, and stays away`);
}

async function bringBack(context: PhaseContext, node: NodeProcess): Promise<void> {
  const others = context.cluster.nodes.filter((other) => other !== node);
  const hintsLeft = async () => {
    let hints = 0;
    for (const { address } of others) hints += (await fetchState(address, context.shell))?.hints ?? 0;
    return hints;
  };
  let hints = await hintsLeft();
  context.note(`${hints} hints were kept for ${node.name}`);
  await startAgain(context, node);
  const isDrained = await context.until(async () => {
    hints = await hintsLeft();
    return hints === 0;
  });
  context.note(
    isDrained ? `all hints were sent after ${context.elapsed}` : `! ${hints} hints were left at the end`,
  );
}

async function standStill(context: PhaseContext, node: NodeProcess): Promise<void> {
  const forMs = Math.min(STOPPED_MS, context.durationMs * FAULT_SHARE);
  node.signal('SIGSTOP');
  await context.sleep(forMs);
  node.signal('SIGCONT');
  context.note(`${node.name} stood still for the first ${(forMs / 1000).toFixed(1)} s`);
}

async function empty(context: PhaseContext, node: NodeProcess): Promise<void> {
  await node.kill();
  await rm(node.data, { recursive: true, force: true });
  await startAgain(context, node);
  const votes = await context.until(
    async () => (await fetchState(node.address, context.shell))?.state === 'serving',
  );
  context.note(
    votes ? `it has its data again after ${context.elapsed}` : '! it was syncing still at the end',
  );
}

/** As an operator should do it: the next one only when the cluster is whole. */
async function restartAll(context: PhaseContext): Promise<void> {
  let restarted = 0;
  for (const node of context.cluster.nodes) {
    if (context.isOver) break;
    await node.stop(context.shell);
    await startAgain(context, node);
    const isWhole = await context.until(
      async () => (await clusterProblem(context.cluster, context.shell)) === undefined,
    );
    if (isWhole) restarted++;
  }
  const count = context.cluster.nodes.length;
  if (restarted === count)
    context.note(`all ${count} were restarted, and the cluster whole, after ${context.elapsed}`);
  else context.note(`! only ${restarted} of ${count} nodes were restarted, and the cluster whole, in time`);
}

function fullDisk(node: NodeProcess, disk: SmallDisk): (context: PhaseContext) => Promise<void> {
  const isIn = (context: PhaseContext, state: string) => async () =>
    (await fetchState(node.address, context.shell))?.state === state;
  return async (context) => {
    const startMs = context.shell.clock.monotonicMs();
    let hasFailed = false;
    while (context.shell.clock.monotonicMs() - startMs < context.durationMs * FAULT_SHARE) {
      await disk.fill(); // Opened again, the storage throws away what it does not need, and there is space once more.
      if (!hasFailed && (await isIn(context, 'storage-failed')())) {
        hasFailed = true;
        context.note(`${node.name} said storage-failed after ${context.elapsed}`);
      }
      await context.sleep(REFILL_MS);
    }
    if (!hasFailed) context.note(`! ${node.name} never said storage-failed`);
    await disk.empty();
    context.note(`there was space again after ${context.elapsed}`);
    if (await context.until(isIn(context, 'serving')))
      context.note(`it served again after ${context.elapsed}`);
    else context.note('! it did not serve again before the end');
  };
}

async function startAgain(context: PhaseContext, node: NodeProcess): Promise<void> {
  const { cluster, shell } = context;
  const startMs = shell.clock.monotonicMs();
  cluster.restart(node);
  const answers = await untilAnswers(node.address, shell, START_MS_MAX);
  const tookS = (shell.clock.monotonicMs() - startMs) / 1000;
  if (answers) context.note(`${node.name} was up ${tookS.toFixed(1)} s after its start`);
  else
    context.note(
      `! ${node.name} was not up ${tookS.toFixed(1)} s after its start: ${node.output.slice(-300)}`,
    );
}
