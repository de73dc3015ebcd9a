/** Bounds of one message of anti-entropy. Whoever asks keeps to them; whoever answers refuses more. */

/** Slots of which groups, leaves or keys are asked for. */
export const SLOTS_MAX = 256;
/** Keys in one list, or asked for by name. */
export const KEYS_MAX = 1000;
/** Bytes of keys in one list. */
export const KEYS_BYTES_MAX = 512 * 1024;
/** Bytes of records in one message; a single record may be larger. */
export const RECORDS_BYTES_MAX = 1024 * 1024;
/** How long an answer may take, in milliseconds: it may read a few megabytes. */
export const CALL_TIMEOUT_MS = 10_000;
