/** Rules of the protocol that can be left out, to see that the checker notices. */
import { ReadQuorum } from '../../src/replication/read-quorum.js';
import { WriteQuorum } from '../../src/replication/write-quorum.js';

export type Bug =
  | 'reads ask one replica'
  | 'writes wait for one replica'
  | 'STALE counts as accepted'
  | 'reads write nothing back'
  | 'sent again at the first STALE';

/** @returns a function that takes the bug out again. */
export function plant(bug: Bug): () => void {
  const { reset: resetRead, decide: decideRead } = ReadQuorum.prototype;
  const { reset: resetWrite, decide: decideWrite } = WriteQuorum.prototype;
  switch (bug) {
    case 'reads ask one replica':
      ReadQuorum.prototype.reset = function (replicas) {
        resetRead.call(this, replicas, 1, true);
      };
      break;
    case 'writes wait for one replica':
      WriteQuorum.prototype.reset = function (replicas, _needed, sent, careful) {
        resetWrite.call(this, replicas, 1, sent, careful);
      };
      break;
    case 'STALE counts as accepted':
      WriteQuorum.prototype.decide = function () {
        this.accepted += this.stale;
        this.stale = 0;
        return decideWrite.call(this);
      };
      break;
    case 'reads write nothing back':
      ReadQuorum.prototype.decide = function () {
        const decision = decideRead.call(this);
        return decision === 3 ? 1 : decision;
      };
      break;
    case 'sent again at the first STALE':
      WriteQuorum.prototype.decide = function () {
        const decision = decideWrite.call(this);
        return decision === 0 && this.stale > 0 ? 2 : decision;
      };
  }
  return () => {
    Object.assign(ReadQuorum.prototype, { reset: resetRead, decide: decideRead });
    Object.assign(WriteQuorum.prototype, { reset: resetWrite, decide: decideWrite });
  };
}
