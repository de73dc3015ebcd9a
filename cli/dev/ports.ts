/** Whether TCP ports are free, found out the only sure way: by listening on them for a moment. */
import { createServer } from 'node:net';

export type IsPortFree = (host: string, port: number) => Promise<boolean>;

export const PORT_MAX = 65_535;
const BASE_PORT_STEP = 100;
const BASE_PORTS_TRIED = 10;

export function isPortFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** The first of `count` ports from `basePort` that is taken, or undefined. */
export async function takenPort(
  range: { host: string; basePort: number; count: number },
  isFree: IsPortFree,
): Promise<number | undefined> {
  for (let port = range.basePort; port < range.basePort + range.count; port += 1) {
    if (!(await isFree(range.host, port))) return port;
  }
  return undefined;
}

/** Another base port from which all ports are free, or undefined when none was found nearby. */
export async function freeBasePort(
  range: { host: string; basePort: number; count: number },
  isFree: IsPortFree,
): Promise<number | undefined> {
  for (let step = 1; step <= BASE_PORTS_TRIED; step += 1) {
    const basePort = range.basePort + step * BASE_PORT_STEP;
    if (basePort + range.count > PORT_MAX) return undefined;
    if ((await takenPort({ ...range, basePort }, isFree)) === undefined) return basePort;
  }
  return undefined;
}
