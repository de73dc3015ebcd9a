/** The log lines of nodes, JSON by pino, as short text for people. */

const LEVELS = new Map([
  [10, 'TRACE'],
  [20, 'DEBUG'],
  [30, 'INFO'],
  [40, 'WARN'],
  [50, 'ERROR'],
  [60, 'FATAL'],
]);
const WARN = 40;
/** Fields that the prefix says already, or nobody needs while they watch. */
const LEFT_OUT = new Set(['level', 'time', 'pid', 'hostname', 'node', 'msg']);

export interface LogLine {
  readonly text: string;
  /** A warning or worse, or no log line at all, such as the trace of a crash. */
  readonly isImportant: boolean;
}

export function readLogLine(line: string): LogLine {
  const fields = parse(line);
  if (fields === undefined) return { text: line, isImportant: true };
  const level = Number(fields.level);
  const name = LEVELS.get(level) ?? String(fields.level);
  const rest = Object.entries(fields)
    .filter(([key]) => !LEFT_OUT.has(key))
    .map(([key, value]) => ` ${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  return { text: `${name} ${String(fields.msg ?? '')}${rest.join('')}`, isImportant: !(level < WARN) };
}

function parse(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    const fields: unknown = JSON.parse(line);
    return typeof fields === 'object' && fields !== null && 'level' in fields
      ? (fields as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
