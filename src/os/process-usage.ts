import type { Usage } from '../ports/usage.js';

/** CPU time and memory of this process. */
export function processUsage(): Usage {
  const { user, system } = process.cpuUsage();
  return { userUs: user, systemUs: system, rssBytes: process.memoryUsage.rss() };
}
