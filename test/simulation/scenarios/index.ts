/** All scenarios, in the order of their names. The command line finds them here, and so does `npm test`. */
import { play, type Scenario, type ScenarioOutcome } from '../scenario.js';
import { aYearLater } from './a-year-later.js';
import { anyNodeWithoutRedirect } from './any-node-without-redirect.js';
import { clockSkewLosesNoUpdate } from './clock-skew-loses-no-update.js';
import { concurrentSetsOneWinner } from './concurrent-sets-one-winner.js';
import { create100Keys } from './create-100-keys.js';
import { deadDataIsNotCompared } from './dead-data-is-not-compared.js';
import { delete100Keys } from './delete-100-keys.js';
import { deleteAbsentKey } from './delete-absent-key.js';
import { deletedKeysStayAway } from './deleted-keys-stay-away.js';
import { deletedWhileAwayForLong } from './deleted-while-away-for-long.js';
import { equalKeysAreNotRepaired } from './equal-keys-are-not-repaired.js';
import { equalTimestampsCommute } from './equal-timestamps-commute.js';
import { errorsAreHonest } from './errors-are-honest.js';
import { exchangeRevivesNothing } from './exchange-revives-nothing.js';
import { expiredKeysStayAway } from './expired-keys-stay-away.js';
import { flappingUnderLoad } from './flapping-under-load.js';
import { flippedBit } from './flipped-bit.js';
import { founderLostItsDisk } from './founder-lost-its-disk.js';
import { fullDisk } from './full-disk.js';
import { hintHolderRestarts } from './hint-holder-restarts.js';
import { hintOutlivesItsTombstone } from './hint-outlives-its-tombstone.js';
import { hintReplayedWhileWritten } from './hint-replayed-while-written.js';
import { hintStormOnReturn } from './hint-storm-on-return.js';
import { hintWindowEnds } from './hint-window-ends.js';
import { implausibleIncarnation } from './implausible-incarnation.js';
import { joinLosesNoWrite } from './join-loses-no-write.js';
import { kill9OfEverybody } from './kill-9-of-everybody.js';
import { lateTombstone } from './late-tombstone.js';
import { lostDiskKeptName } from './lost-disk-kept-name.js';
import { membershipJoin } from './membership-join.js';
import { membershipMessageLoss } from './membership-message-loss.js';
import { membershipMultipleFailures } from './membership-multiple-failures.js';
import { membershipSingleFailure } from './membership-single-failure.js';
import { nonReplicaFailed } from './non-replica-failed.js';
import { oneReplicaFailed } from './one-replica-failed.js';
import { partitionHeals } from './partition-heals.js';
import { pauseOf27Seconds } from './pause-of-27-seconds.js';
import { powerLossOfOneMachine } from './power-loss-of-one-machine.js';
import { proxyOfWeight0 } from './proxy-of-weight-0.js';
import { r1OnARecoveringReplica } from './r1-on-a-recovering-replica.js';
import { readAbsentKey } from './read-absent-key.js';
import { readAllUp } from './read-all-up.js';
import { readsFailOver } from './reads-fail-over.js';
import { restartNeverReissuesVersions } from './restart-never-reissues-versions.js';
import { restartedNodeIsSeen } from './restarted-node-is-seen.js';
import { retryIsNotOutOfOrder } from './retry-is-not-out-of-order.js';
import { scanOverFailures } from './scan-over-failures.js';
import { separatorsInValues } from './separators-in-values.js';
import { slowJoinerBlocksNoWrite } from './slow-joiner-blocks-no-write.js';
import { slowMemberBlocksNoWrite } from './slow-member-blocks-no-write.js';
import { standingStillAccusesNobody } from './standing-still-accuses-nobody.js';
import { strangerInTheDataDirectory } from './stranger-in-the-data-directory.js';
import { strictQuorumWrites } from './strict-quorum-writes.js';
import { tombstonesWaitForAll } from './tombstones-wait-for-all.js';
import { tornBatch } from './torn-batch.js';
import { twoActorsOneId } from './two-actors-one-id.js';
import { twoOfThreeNodesKilled } from './two-of-three-nodes-killed.js';
import { twoReplicasFailMidWrite } from './two-replicas-fail-mid-write.js';
import { twoReplicasFailed } from './two-replicas-failed.js';
import { updateAbsentKey } from './update-absent-key.js';
import { updateAllUp } from './update-all-up.js';
import { weightedNodes } from './weighted-nodes.js';
import { writeByAClockBehind } from './write-by-a-clock-behind.js';

export const SCENARIOS: ReadonlyMap<string, Scenario> = new Map(
  [
    aYearLater,
    anyNodeWithoutRedirect,
    clockSkewLosesNoUpdate,
    concurrentSetsOneWinner,
    create100Keys,
    deadDataIsNotCompared,
    delete100Keys,
    deleteAbsentKey,
    deletedKeysStayAway,
    deletedWhileAwayForLong,
    tombstonesWaitForAll,
    equalKeysAreNotRepaired,
    equalTimestampsCommute,
    errorsAreHonest,
    exchangeRevivesNothing,
    expiredKeysStayAway,
    flappingUnderLoad,
    flippedBit,
    founderLostItsDisk,
    fullDisk,
    hintHolderRestarts,
    hintOutlivesItsTombstone,
    hintReplayedWhileWritten,
    hintStormOnReturn,
    hintWindowEnds,
    implausibleIncarnation,
    joinLosesNoWrite,
    kill9OfEverybody,
    lateTombstone,
    lostDiskKeptName,
    powerLossOfOneMachine,
    strangerInTheDataDirectory,
    membershipJoin,
    membershipMessageLoss,
    membershipMultipleFailures,
    membershipSingleFailure,
    nonReplicaFailed,
    oneReplicaFailed,
    partitionHeals,
    pauseOf27Seconds,
    proxyOfWeight0,
    r1OnARecoveringReplica,
    readAbsentKey,
    readAllUp,
    readsFailOver,
    restartNeverReissuesVersions,
    restartedNodeIsSeen,
    retryIsNotOutOfOrder,
    scanOverFailures,
    separatorsInValues,
    slowJoinerBlocksNoWrite,
    slowMemberBlocksNoWrite,
    standingStillAccusesNobody,
    strictQuorumWrites,
    tornBatch,
    twoActorsOneId,
    twoOfThreeNodesKilled,
    twoReplicasFailMidWrite,
    twoReplicasFailed,
    updateAbsentKey,
    updateAllUp,
    weightedNodes,
    writeByAClockBehind,
  ].map((scenario) => [scenario.name, scenario]),
);

/** @returns undefined when there is no scenario of this name. */
export function runScenario(name: string, seed = 1): Promise<ScenarioOutcome | undefined> {
  const scenario = SCENARIOS.get(name);
  return scenario === undefined ? Promise.resolve(undefined) : play(scenario, seed);
}
