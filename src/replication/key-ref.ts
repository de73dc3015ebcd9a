/** A key within a buffer, with its hash. Reused by whoever calls the replica, so that no request allocates one. */
export class KeyRef {
  bytes: Uint8Array = new Uint8Array(0);
  start = 0;
  length = 0;
  hashHi = 0;
  hashLo = 0;

  set(bytes: Uint8Array, start: number, length: number, hashHi: number, hashLo: number): void {
    this.bytes = bytes;
    this.start = start;
    this.length = length;
    this.hashHi = hashHi;
    this.hashLo = hashLo;
  }

  /** A view of the key. */
  key(): Uint8Array {
    return this.bytes.subarray(this.start, this.start + this.length);
  }
}
