/** `npm run bench -- faults`: what clients notice while nodes fail. See {@link faultsHelp}. */
import { loadavg } from 'node:os';
import { connect } from '../../src/client/index.js';
import { Flusher } from '../../src/wire/outbox.js';
import { Cluster } from '../cluster.js';
import type { CommandHost, CommandReport } from '../command.js';
import { Payload } from '../payload.js';
import { preload } from '../preload.js';
import { Workload } from '../workload.js';
import { OpenLoad, settled } from './open-load.js';
import { type FaultsOptions, type FaultsSettings, faultsHelp, parseFaultsOptions } from './options.js';
import { type FaultBench, runPhase } from './phase.js';
import { PhaseTally } from './phase-tally.js';
import { formatFaults } from './report.js';
import { FAULTS_FORMAT, type FaultsResult, type PhaseEvidence, phaseResult, wrongAnswers } from './result.js';
import { faultScript, victimsOf } from './script.js';
import { SmallDisk } from './small-disk.js';

/** Enough that nothing waits in the client for its turn: that wait would be the load generator's. */
const IN_FLIGHT_MAX = 50_000;
const WARM_UP_MS = 3000;
/** Longer than any operation may take. */
const OUTCOME_MS_MAX = 5000;

export async function faults(args: readonly string[], host: CommandHost): Promise<CommandReport> {
  const options = parseFaultsOptions(args);
  if (options.help) return { text: faultsHelp(), isComplete: true };
  const { settings, dataParent } = options;
  const disk = await SmallDisk.mount(dataParent);
  if (disk !== undefined) host.track(disk);
  try {
    const { shell } = host;
    shell.say(`starting ${settings.nodes} nodes, fsync ${settings.fsync}`);
    const cluster = await Cluster.start(clusterOptions(options, disk), shell, (created) =>
      host.track(created),
    );
    try {
      const result = await measure({ settings, host, cluster, disk });
      const isComplete = result.phases.every((phase) => phase.operations > 0 && wrongAnswers(phase) === 0);
      return { text: formatFaults(result), result, json: options.json, isComplete };
    } finally {
      if (cluster.problem !== undefined) shell.say(cluster.problem);
      await cluster.stop();
    }
  } finally {
    await disk?.stop();
  }
}

function clusterOptions({ settings, dataParent }: FaultsOptions, disk: SmallDisk | undefined) {
  const { nodes: size, fsync } = settings;
  return { size, fsync, storage: 'level', dataParent, dataOf: disk ? { n2: disk.data } : {} } as const;
}

interface Setting {
  readonly settings: FaultsSettings;
  readonly host: CommandHost;
  readonly cluster: Cluster;
  readonly disk: SmallDisk | undefined;
}

async function measure({ settings, host, cluster, disk }: Setting): Promise<FaultsResult> {
  const { shell } = host;
  const { clock, network } = shell;
  const payload = new Payload(settings.valueBytes, settings.seed);
  shell.say(`writing ${settings.keys} keys`);
  const connection = { network, clock, flusher: new Flusher(clock), payload, pipeline: 1, r: 0, w: 0 };
  await preload(cluster.addresses, settings.keys, connection);
  const client = await connect(cluster.addresses, { inFlightMax: IN_FLIGHT_MAX });
  const between = new PhaseTally();
  const source = new Workload({
    ...settings,
    workload: 'a',
    distribution: 'uniform',
    readShare: settings.getShare,
  });
  const warmUp = new PhaseTally();
  const load = new OpenLoad({ clock, client, source, payload, rate: settings.rate, tally: warmUp });
  const phases: PhaseEvidence[] = [];
  let phaseSeconds = 0;
  const startMs = clock.monotonicMs();
  try {
    await new Promise<void>((resolve) => clock.setTimer(WARM_UP_MS, resolve));
    const warmUpS = (clock.monotonicMs() - startMs) / 1000;
    const bench: FaultBench = { shell, cluster, load, durationS: settings.durationS, between };
    for (const spec of faultScript(victimsOf(cluster.nodes), disk)) {
      shell.say(spec.name);
      const phase = await runPhase(bench, spec);
      phaseSeconds += phase.seconds;
      phases.push(phase);
    }
    load.stop();
    const betweenS = (clock.monotonicMs() - startMs) / 1000 - warmUpS - phaseSeconds;
    await settled([between, ...phases.map(({ tally }) => tally)], clock, OUTCOME_MS_MAX);
    await client.close();
    return {
      format: FAULTS_FORMAT,
      command: 'faults',
      environment: host.environment(),
      settings,
      phases: phases.map(phaseResult),
      between: phaseResult({
        name: 'between the phases',
        seconds: betweenS,
        cpuUs: null,
        tally: between,
        loadAverage: loadavg()[0]!,
        notes: [],
      }),
      skipped: disk ? [] : ['the full disk, because no file system can be mounted here'],
    };
  } finally {
    load.stop();
  }
}
