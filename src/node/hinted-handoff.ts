/** Hinted handoff as a piece of background work: what this node has for others is sent, what others have for it is taken. */
import { HintCredit } from '../replication/hint-credit.js';
import { HintDrainer } from '../replication/hint-drainer.js';
import { HintReceiver } from '../replication/hint-receiver.js';
import { HINT, HINTS_OFFER } from '../wire/message-type.js';
import type { BackgroundWork } from './background.js';
import type { NodePorts, Running } from './running.js';

export function hintedHandoff(running: Running, ports: NodePorts): BackgroundWork {
  const { hints, state, peers, coordinator, committer, replica, hybridClock, store, calls } = running;
  const { clock, log, hasher } = ports;
  const epoch = (): number => state.epoch;
  const drainer = new HintDrainer({
    hints,
    records: store,
    clock,
    log,
    hybridTime: () => hybridClock.current(),
    epoch,
    peer: (name) => peers.get(name),
    owners: (slot) => coordinator.placement.owners(slot),
    onCorrupt: (key) => replica.onCorruptFound(key),
  });
  const credit = new HintCredit(clock, () => ({
    isClosed: committer.isFailed || replica.frozenBecause !== undefined,
    queuedOperations: committer.queuedOperations,
    rememberedVersions: replica.rememberedVersions,
  }));
  const receiver = new HintReceiver({ credit, replica, hybridClock, hasher, epoch });
  calls.register(HINTS_OFFER, async (link, body) => receiver.onOffer(link.name, body));
  calls.register(HINT, (link, body) => receiver.onHint(link.name, body));
  return {
    start: () => drainer.start(),
    onTick: (nowMs) => drainer.onTick(nowMs),
    onClusterChange: () => hints.setMembers(state.config?.members ?? []),
    stop: () => drainer.stop(),
  };
}
