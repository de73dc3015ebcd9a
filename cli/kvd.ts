#!/usr/bin/env node
/** The kvd program: gives the process to {@link runKvd}. */
import { readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { SystemClock } from '../src/os/system-clock.js';
import { nodeSpawner } from './dev/child-node.js';
import { isPortFree } from './dev/ports.js';
import { runKvd } from './kvd-main.js';
import type { Serve } from './node/server.js';
import { StreamOutput } from './output/output.js';

/** Loaded when a node starts: neither help nor the parent of a development cluster needs storage engines. */
const serve: Serve = async (options) => (await import('../src/server/serve.js')).serve(options);

const output = new StreamOutput(process.stdout, process.stderr, process.env);
const exitCode = await runKvd(process.argv.slice(2), {
  serve,
  output,
  clock: new SystemClock(),
  env: process.env,
  process: {
    on: (signal, listener) => process.on(signal, listener),
    removeListener: (signal, listener) => process.removeListener(signal, listener),
    exit: (code) => process.exit(code),
    onParentGone: (listener) => {
      // Undefined, not false, for a process that has no channel to a parent.
      if (process.connected === false) listener();
      else process.once('disconnect', listener);
    },
  },
  spawn: nodeSpawner(fileURLToPath(import.meta.url), process.env),
  isPortFree,
  list: (directory) => readdir(directory).catch(() => []),
});
await output.flush();
process.exit(exitCode);
