/**
 * The cluster configuration as one node knows it: durable, only ever replaced by one of a higher epoch, and frozen
 * while a member is being admitted.
 *
 * Frozen means: this node has declared that it holds no records, and refuses writes until the configuration that it
 * agreed to has come, or the registrar has given up. The freeze is durable too, so that a restart does not undo it.
 */
import { definite, type KvError } from '../base/errors.js';
import type { Log } from '../ports/log.js';
import { type Body, decodeBody, encodeBody, integerField, mapField, stringField } from '../wire/body.js';
import { type ClusterConfig, parseConfig } from './cluster-config.js';

/** Where the state is kept: two small values in the node's own storage. */
export interface StateStorage {
  read(name: 'identity' | 'cluster'): Uint8Array | undefined;
  /** Durably (synced) before `done`. */
  write(name: 'identity' | 'cluster', value: Uint8Array, done: (error: Error | undefined) => void): void;
}

/** Who this node is: made once, when its data directory is. */
export interface Identity {
  readonly name: string;
  /** Random; tells this data directory from any other of the same name. */
  readonly id: string;
}

export class ClusterState {
  readonly identity: Identity;
  readonly #storage: StateStorage;
  readonly #log: Log;
  #config: ClusterConfig | undefined;
  /** The newest configuration that was given to the storage. Whatever is stored later must not go behind it. */
  #newest: ClusterConfig | undefined;
  #frozenEpoch = 0;
  readonly #onChange: () => void;

  /** @param onChange called after the configuration or the freeze has changed. */
  constructor(identity: Identity, storage: StateStorage, log: Log, onChange: () => void) {
    this.identity = identity;
    this.#storage = storage;
    this.#log = log;
    this.#onChange = onChange;
    const stored = readBody(storage.read('cluster'));
    this.#config = parseConfig(stored === undefined ? undefined : mapField(stored, 'config'));
    this.#newest = this.#config;
    this.#frozenEpoch = stored === undefined ? 0 : (integerField(stored, 'frozenEpoch', 0, 0xffffffff) ?? 0);
  }

  /** Undefined until the node has founded or joined a cluster. */
  get config(): ClusterConfig | undefined {
    return this.#config;
  }

  get epoch(): number {
    return this.#config?.epoch ?? 0;
  }

  get isFrozen(): boolean {
    return this.#config !== undefined && this.#frozenEpoch === this.#config.epoch;
  }

  /** Takes over a configuration if it is newer. Resolves when it is durable; false when it was not newer. */
  async adopt(config: ClusterConfig): Promise<boolean> {
    if (this.#config !== undefined && config.clusterId !== this.#config.clusterId) return false;
    if (config.epoch <= (this.#newest?.epoch ?? 0)) return false;
    this.#newest = config;
    try {
      await this.#store();
    } catch (error) {
      if (this.#newest === config) this.#newest = this.#config;
      throw error;
    }
    // Another one may have come while this one was being stored.
    if (config.epoch <= this.epoch) return false;
    this.#config = config;
    this.#log.info('cluster configuration', {
      epoch: config.epoch,
      members: config.members.map((m) => m.name),
    });
    this.#onChange();
    return true;
  }

  /** Forgets the cluster, as if the node had never been in one; its identity stays. */
  async leave(): Promise<void> {
    this.#newest = undefined;
    this.#config = undefined;
    this.#frozenEpoch = 0;
    await this.#store();
  }

  /** Freezes under the present epoch; durable when it resolves. Writes are refused from the call on. */
  async freeze(): Promise<void> {
    this.#frozenEpoch = this.epoch;
    this.#onChange();
    await this.#store();
  }

  /** Ends the freeze of this epoch: the registrar has given up. */
  async release(epoch: number): Promise<void> {
    if (this.#frozenEpoch !== epoch || epoch === 0) return;
    this.#frozenEpoch = 0;
    try {
      await this.#store();
    } catch (error) {
      this.#frozenEpoch = epoch; // Not released as long as a restart would not know of it.
      throw error;
    } finally {
      this.#onChange();
    }
  }

  #store(): Promise<void> {
    const value = encodeBody({ config: this.#newest, frozenEpoch: this.#frozenEpoch });
    return new Promise((resolve, reject) => {
      this.#storage.write('cluster', value, (error) =>
        error === undefined ? resolve() : reject(failed(error)),
      );
    });
  }
}

/**
 * The identity in storage, or a new one that is durable when this resolves.
 * @throws KvError `NOT_A_MEMBER` when the storage belongs to a node of another name.
 */
export async function loadIdentity(
  storage: StateStorage,
  name: string,
  newId: () => string,
): Promise<{ identity: Identity; isNew: boolean }> {
  const stored = readBody(storage.read('identity'));
  const storedName = stored === undefined ? undefined : stringField(stored, 'name');
  const storedId = stored === undefined ? undefined : stringField(stored, 'id');
  if (storedName !== undefined && storedId !== undefined) {
    if (storedName === name) return { identity: { name, id: storedId }, isNew: false };
    const message = `this data directory belongs to node ${storedName}, not ${name}: give its name or another directory`;
    throw definite('NOT_A_MEMBER', message);
  }
  const identity = { name, id: newId() };
  await new Promise<void>((resolve, reject) => {
    storage.write('identity', encodeBody(identity), (error) =>
      error === undefined ? resolve() : reject(failed(error)),
    );
  });
  return { identity, isNew: true };
}

function readBody(bytes: Uint8Array | undefined): Body | undefined {
  return bytes === undefined ? undefined : decodeBody(bytes);
}

function failed(error: Error): KvError {
  return definite('STORAGE_FAILED', `cannot store the cluster's state: ${error.message}`, error);
}
