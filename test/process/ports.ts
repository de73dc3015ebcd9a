/** Ports on this machine that were free a moment ago: another program can take one before it is used. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';

export const HOST = '127.0.0.1';
const ATTEMPTS = 200;

/** Different free ports. */
export async function freePorts(count: number): Promise<number[]> {
  const servers: Server[] = [];
  for (let i = 0; i < count; i++) servers.push(await listen(0));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map(close));
  return ports;
}

/** The first of `count` consecutive free ports. */
export async function freeBasePort(count: number): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const [base] = await freePorts(1);
    const ports = Array.from({ length: count }, (_, i) => base! + i);
    if ((await Promise.all(ports.map(isFree))).every(Boolean)) return base!;
  }
  throw new Error(`no ${count} consecutive free ports were found`);
}

/** Whether the port can be listened on now. */
export async function isFree(port: number): Promise<boolean> {
  try {
    await close(await listen(port));
    return true;
  } catch {
    return false;
  }
}

/** Takes a port; 0 for any free one. */
export async function listen(port: number): Promise<Server> {
  const server = createServer();
  server.listen(port, HOST);
  await once(server, 'listening');
  return server;
}

export async function close(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  await closed;
}
