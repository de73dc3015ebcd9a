/**
 * The command was not carried out because of how it was given: a bad argument, a missing file. Always definite: nothing
 * was sent to the cluster. The message is for the user, in one line.
 */
export class UsageError extends Error {
  /** What to do next, when the message does not say it. */
  readonly advice: string | undefined;

  constructor(message: string, options: { advice?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'UsageError';
    this.advice = options.advice;
  }
}
