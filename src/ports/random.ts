/** Randomness as a port, so that one seed repeats a whole run. */
export interface Random {
  /** An unsigned 32-bit integer. */
  u32(): number;
  /** A number in [0, 1). */
  next(): number;
  /** An integer in [0, bound). */
  below(bound: number): number;
}
