/**
 * The version of Redis that this server is like. Client libraries compare it to decide what they may use, so it is said
 * wherever they look: HELLO and `redis_version` of INFO. What we are ourselves stands beside it.
 */
export const REDIS_VERSION = '7.0.15';
export const SERVER_NAME = 'quoral';

/** The version within a software string as `quoral/0.1.0`. */
export function versionOf(software: string): string {
  return software.slice(software.indexOf('/') + 1);
}
