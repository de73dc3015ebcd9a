/** What the parts of `healing` share: a cluster that is watched, and the writing of keys. */
import type { Address } from '../../src/ports/network.js';
import { Flusher } from '../../src/wire/outbox.js';
import type { Cluster } from '../cluster.js';
import type { NodeProcess } from '../node-process.js';
import { untilAnswers } from '../node-state.js';
import { Payload } from '../payload.js';
import { preload } from '../preload.js';
import type { Shell } from '../shell.js';
import type { HealingSettings } from './options.js';
import { Watch } from './watch.js';

const UP_MS_MAX = 60_000;

export class HealingBench {
  readonly settings: HealingSettings;
  readonly cluster: Cluster;
  readonly shell: Shell;
  readonly watch: Watch;
  readonly #payload: Payload;

  constructor(settings: HealingSettings, cluster: Cluster, shell: Shell) {
    this.settings = settings;
    this.cluster = cluster;
    this.shell = shell;
    this.watch = new Watch(cluster, shell);
    this.#payload = new Payload(settings.valueBytes, settings.seed);
  }

  /** The node that repairs are made for. */
  get patient(): NodeProcess {
    return this.cluster.nodes.at(-1)!;
  }

  get patientIndex(): number {
    return this.cluster.nodes.length - 1;
  }

  get others(): readonly NodeProcess[] {
    return this.cluster.nodes.slice(0, -1);
  }

  /** Writes the first keys; every one is acknowledged by `w` replicas, 0 for a majority. */
  write(count: number, to: readonly Address[], w: number): Promise<void> {
    const { clock, network } = this.shell;
    const connection = { network, clock, flusher: new Flusher(clock), payload: this.#payload };
    return preload(to, count, { ...connection, pipeline: 1, r: 0, w });
  }

  /**
   * Starts the patient again. Resolves with the seconds to its first answer as a member.
   * @throws Error with its last words, when it does not come up.
   */
  async startPatient(): Promise<number> {
    const startMs = this.watch.nowMs();
    this.cluster.restart(this.patient);
    const isUp = await untilAnswers(this.patient.address, this.shell, UP_MS_MAX);
    if (!isUp) throw new Error(`${this.patient.name} did not come up\n${this.patient.output}`);
    return (this.watch.nowMs() - startMs) / 1000;
  }
}
