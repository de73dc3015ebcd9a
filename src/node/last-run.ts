/**
 * What has become of the last run of this node: whether the machine may have taken back what it had acknowledged.
 *
 * A process that is killed loses nothing: the system has what is in the log. A machine that loses its power takes back
 * what was not synced, unless `fsync` is `always`. So each run leaves a mark with the machine's boot id, which a stop in good
 * order takes away; a mark of another boot says that the end of that run's log may be missing.
 */
import type { StorageEngine } from '../ports/storage-engine.js';
import type { FsyncPolicy, GroupCommitter } from '../storage/group-committer.js';
import { RUN_KEY } from '../storage/keyspace.js';
import { decodeBody, encodeBody, stringField } from '../wire/body.js';

/**
 * Leaves the mark of this run, by which its storage is also known again after a failure.
 * @param runId of this run alone.
 * @returns whether the last one may have lost the end of its log.
 */
export async function beginRun(
  engine: StorageEngine,
  committer: GroupCommitter,
  bootId: string,
  fsync: FsyncPolicy,
  runId: string,
): Promise<boolean> {
  const stored = engine.getSync(RUN_KEY);
  const last = stored === undefined ? undefined : decodeBody(stored);
  const isLost =
    last !== undefined && stringField(last, 'fsync') !== 'always' && stringField(last, 'bootId') !== bootId;
  const mark = encodeBody({ bootId, fsync, runId });
  await new Promise<void>((resolve, reject) => {
    committer.putDurable(RUN_KEY, mark, (error) => (error === undefined ? resolve() : reject(error)));
  });
  committer.recogniseBy(RUN_KEY, mark);
  return isLost;
}

/** The last thing of a run that ends in good order. */
export function endRun(committer: GroupCommitter): void {
  committer.delete(RUN_KEY);
}
