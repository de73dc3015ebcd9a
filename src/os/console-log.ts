/** Structured logs as JSON lines on standard error, by pino. The only file that imports it. */
import { destination, type Logger, pino } from 'pino';
import type { Log, LogFields, LogLevel } from '../ports/log.js';

/** A log whose lines carry the node's name. Levels below `level` cost nothing. */
export function consoleLog(name: string, level: LogLevel): Log {
  // Synchronous: the last line before a crash is the one that matters, and there are few lines.
  const logger = pino({ level, base: { node: name } }, destination({ fd: 2, sync: true }));
  return new PinoLog(logger);
}

class PinoLog implements Log {
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  get level(): LogLevel {
    return this.#logger.level as LogLevel;
  }

  set level(level: LogLevel) {
    this.#logger.level = level;
  }

  debug(message: string, fields: LogFields = {}): void {
    this.#logger.debug(fields, message);
  }

  info(message: string, fields: LogFields = {}): void {
    this.#logger.info(fields, message);
  }

  warn(message: string, fields: LogFields = {}): void {
    this.#logger.warn(fields, message);
  }

  error(message: string, fields: LogFields = {}): void {
    this.#logger.error(fields, message);
  }
}
