/** What a new node does to become a member: asks the addresses it was given, in turn, until one admits or refuses it. */
import { definite, KvError, messageOf } from '../base/errors.js';
import type { Body } from '../wire/body.js';
import { mapField } from '../wire/body.js';
import { type ClusterConfig, type Member, memberNamed, parseConfig } from './cluster-config.js';

export interface JoiningOptions {
  readonly seeds: readonly string[];
  readonly member: Member;
  /** Sends JOIN to an address and resolves with the RESULT. */
  readonly ask: (address: string, body: Body) => Promise<Body>;
  readonly pause: (milliseconds: number) => Promise<void>;
  /** Told why an attempt failed and will be repeated. */
  readonly onRetry: (address: string, reason: string) => void;
  readonly isStopped: () => boolean;
}

const RETRY_MS = 300;

/**
 * @returns the configuration that includes the new member.
 * @throws KvError `JOIN_REFUSED` with the cluster's reason, which trying again would not change.
 */
export async function join(options: JoiningOptions): Promise<ClusterConfig> {
  for (let attempt = 0; !options.isStopped(); attempt++) {
    const address = options.seeds[attempt % options.seeds.length]!;
    try {
      const answer = await options.ask(address, { member: options.member as unknown as Body });
      const config = parseConfig(mapField(answer, 'config'));
      if (config !== undefined && memberNamed(config, options.member.name) !== undefined) return config;
      options.onRetry(address, 'its answer is not a configuration with this node in it');
    } catch (error) {
      if (isFinal(error)) throw error;
      options.onRetry(address, messageOf(error));
    }
    await options.pause(RETRY_MS);
  }
  throw definite('CLOSED', 'the node was stopped before it had joined');
}

function isFinal(error: unknown): boolean {
  return error instanceof KvError && (error.code === 'JOIN_REFUSED' || error.code === 'BAD_REQUEST');
}
