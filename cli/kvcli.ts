#!/usr/bin/env node
/** The kvcli program: gives the process to {@link runKvcli}. */
import { connect } from '../src/client/index.js';
import { SystemClock } from '../src/os/system-clock.js';
import { TcpNetwork } from '../src/os/tcp-network.js';
import { runKvcli } from './kvcli-main.js';
import { StreamOutput } from './output/output.js';
import { ringShares } from './ring-shares.js';

const output = new StreamOutput(process.stdout, process.stderr, process.env);
const interrupt = new AbortController();
process.on('SIGINT', () => {
  // The first one lets the command end in good order, the second one does not wait for that.
  if (interrupt.signal.aborted) process.exit(130);
  interrupt.abort();
});

const exitCode = await runKvcli(process.argv.slice(2), {
  connect,
  network: new TcpNetwork(),
  shares: ringShares,
  output,
  clock: new SystemClock(),
  env: process.env,
  input: process.stdin,
  terminal: process.stdout,
  signal: interrupt.signal,
});
await output.flush();
// Standard input may still be open, and would keep the process.
process.exit(exitCode);
