/** Puts anti-entropy together from the parts of a node, and has it answer its peers. */
import { AntiEntropyAnswers } from '../replication/anti-entropy/answers.js';
import { RecordApplier } from '../replication/anti-entropy/record-applier.js';
import { AntiEntropy } from '../replication/anti-entropy/schedule.js';
import { TreeBuilder } from '../storage/tree-builder.js';
import { RECORDS, RECORDS_PUSH, TREE_DIGEST, TREE_KEYS, TREE_LEAVES } from '../wire/message-type.js';
import type { NodePorts, Running } from './running.js';

export function antiEntropyOf(running: Running, { clock, random, log, hasher }: NodePorts): AntiEntropy {
  const { calls, store, committer, trees, replica, hybridClock, coordinator, isSound, state, peers, hints } =
    running;
  const applier = new RecordApplier({ clock, hasher, hybridClock, replica });
  const epoch = (): number => state.epoch;
  const ports = { store, committer, trees, hasher, isSound, applier, epoch };
  const answers = new AntiEntropyAnswers(ports);
  calls.register(TREE_DIGEST, (_link, body) => answers.onDigest(body));
  calls.register(TREE_LEAVES, (_link, body) => answers.onLeaves(body));
  calls.register(TREE_KEYS, (_link, body) => answers.onKeys(body));
  calls.register(RECORDS, (_link, body) => answers.onRecords(body));
  calls.register(RECORDS_PUSH, (_link, body) => answers.onPush(body));
  const builder = new TreeBuilder({ clock, store, committer, trees, hasher, onCorrupt: isSound, log });
  return new AntiEntropy({
    clock,
    random,
    log,
    ports,
    builder,
    replica,
    coordinator,
    peers: () => peers.links(),
    // Where hints had to be dropped, this has brought what they stood for.
    onBrought: (peer, slots) => {
      if (hints.needsSync(peer).length > 0) for (const slot of slots) hints.clearNeedsSync(peer, slot);
    },
  });
}
