/** Which nodes kvcli talks to: -h, else $QUORAL_HOSTS, else a node on this machine. */
import { addressProblem } from '../src/membership/cluster-config.js';
import { UsageError } from './usage-error.js';

export const PORT_DEFAULT = 7400;
const HOSTS_DEFAULT = `127.0.0.1:${PORT_DEFAULT}`;
/** A host without a port: a name, an IPv4 address, or an IPv6 address in brackets. */
const BARE_HOST = /^(\[[0-9A-Fa-f:.]+\]|[^\s:[\]]+)$/;

/**
 * The addresses to try, in their order. A host without a port means port 7400.
 * @throws UsageError
 */
export function hostsFrom(option: string | undefined, environment: string | undefined): string[] {
  const source = option !== undefined ? '-h' : '$QUORAL_HOSTS';
  const addresses = (option ?? (environment || HOSTS_DEFAULT))
    .split(',')
    .map((host) => host.trim())
    .filter((host) => host !== '')
    .map((host) => (BARE_HOST.test(host) ? `${host}:${PORT_DEFAULT}` : host));
  if (addresses.length === 0)
    throw new UsageError(`${source} names no node; give HOST:PORT, as in ${HOSTS_DEFAULT}`);
  for (const address of addresses) {
    const problem = addressProblem(address);
    if (problem !== undefined) throw new UsageError(`${source}: ${problem}`);
  }
  return addresses;
}
