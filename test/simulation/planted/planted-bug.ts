/** A rule of the store that can be left out for the duration of a run, to see that the checkers notice. */
import { runWorkload, type WorkloadOptions } from '../../support/workload.js';
import { ALL_CHECKERS } from '../checkers.js';
import type { GivenOptions } from '../options.js';
import { play, type Scenario } from '../scenario.js';
import { simulate } from '../simulator.js';

export interface PlantedBug {
  readonly name: string;
  /** Circumstances in which it shows. @returns what is wrong: keys whose histories no order explains, or sentences. */
  run(seed: number): Promise<readonly string[]>;
  /** One of so many seeds, from 1 on, finds it. */
  readonly seedsMax: number;
  /** Leaves the rule out. @returns what puts it back. */
  plant(): () => void;
}

/** Clients and misfortunes of one kind. */
export function workload(profile: Partial<WorkloadOptions>): PlantedBug['run'] {
  return async (seed) => (await runWorkload({ ...profile, seed })).illegal;
}

/** A run of the simulator, seen by one of its checkers only. */
export function simulated(checker: string, given: GivenOptions): PlantedBug['run'] {
  const checkers = ALL_CHECKERS.filter(({ name }) => name === checker);
  if (checkers.length !== 1) throw new Error(`no checker is called ${checker}`);
  return async (seed) => (await simulate(seed, given, { checkers })).failures;
}

/** A scenario, where chance would hardly ever bring the circumstances about. */
export function playing(scenario: Scenario): PlantedBug['run'] {
  return async (seed) => {
    const { failure } = await play(scenario, seed);
    return failure === undefined ? [] : [failure];
  };
}

/** Gives a class's prototype other methods. @returns a function that gives it its own again. */
export function patch<T extends object>(prototype: T, methods: Partial<T> & ThisType<T>): () => void {
  const names = Object.keys(methods) as (keyof T & string)[];
  const own = names.map((name) => [name, Object.getOwnPropertyDescriptor(prototype, name)!] as const);
  for (const [name, descriptor] of own)
    Object.defineProperty(prototype, name, { ...descriptor, value: methods[name] });
  return () => {
    for (const [name, descriptor] of own) Object.defineProperty(prototype, name, descriptor);
  };
}
