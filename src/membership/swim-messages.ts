/** The bodies of PROBE, PROBE_REQUEST, GOSSIP and PUSH_PULL: made here, and read here with every field checked. */
import { definite, type KvError } from '../base/errors.js';
import { arrayField, type Body, integerField, mapField, stringField } from '../wire/body.js';
import { nameProblem } from './cluster-config.js';
import type { Claim, MemberState } from './member-claim.js';
import { HEALTH_MAX, PROBE_INTERVAL_MS } from './swim-timing.js';

export interface ProbeBody {
  /** The sender's own. */
  readonly incarnation: number;
  readonly claims: readonly Claim[];
}

export interface ProbeRequestBody {
  readonly target: string;
  /** How long the helper waits before it says that there was no answer. */
  readonly timeoutMs: number;
  readonly claims: readonly Claim[];
}

const IDENTITY_LENGTH_MAX = 64;
/** More names than that in one claim are not ours. */
const BY_MAX = 64;

export function probeBody(incarnation: number, claims: readonly Claim[]): Body {
  return { incarnation, claims: claims.map(claimBody) };
}

export function probeRequestBody(target: string, timeoutMs: number, claims: readonly Claim[]): Body {
  return { target, timeoutMs, claims: claims.map(claimBody) };
}

/** Of GOSSIP, of PUSH_PULL, and of the answer to the latter. */
export function claimsBody(claims: readonly Claim[]): Body {
  return { claims: claims.map(claimBody) };
}

/** @throws KvError BAD_REQUEST */
export function parseProbe(body: Body): ProbeBody {
  const incarnation = integerField(body, 'incarnation', 0, Number.MAX_SAFE_INTEGER);
  if (incarnation === undefined) throw malformed('its incarnation is not valid');
  return { incarnation, claims: parseClaims(body) };
}

/** @throws KvError BAD_REQUEST */
export function parseProbeRequest(body: Body): ProbeRequestBody {
  const target = stringField(body, 'target');
  const timeoutMs = integerField(body, 'timeoutMs', 1, PROBE_INTERVAL_MS * HEALTH_MAX);
  if (target === undefined || timeoutMs === undefined)
    throw malformed('its target or its timeout is not valid');
  return { target, timeoutMs, claims: parseClaims(body) };
}

/** @throws KvError BAD_REQUEST */
export function parseClaims(body: Body): Claim[] {
  const items = arrayField(body, 'claims');
  if (items === undefined) throw malformed('it has no claims');
  return items.map((item) => {
    const claim = parseClaim(mapField({ item }, 'item'));
    if (claim === undefined) throw malformed('one of its claims is not valid');
    return claim;
  });
}

function claimBody(claim: Claim): Body {
  const { name, identity, incarnation, state, by } = claim;
  return by.length === 0
    ? { name, identity, incarnation, state }
    : { name, identity, incarnation, state, by };
}

function parseClaim(body: Body | undefined): Claim | undefined {
  if (body === undefined) return undefined;
  const name = stringField(body, 'name');
  const identity = stringField(body, 'identity');
  const incarnation = integerField(body, 'incarnation', 0, Number.MAX_SAFE_INTEGER);
  const state = stateField(body);
  const by = body.by === undefined ? [] : namesField(body, 'by');
  if (name === undefined || nameProblem(name) !== undefined) return undefined;
  if (identity === undefined || identity.length > IDENTITY_LENGTH_MAX) return undefined;
  if (incarnation === undefined || state === undefined || by === undefined) return undefined;
  return { name, identity, incarnation, state, by: state === 'suspect' ? by : [] };
}

function stateField(body: Body): MemberState | undefined {
  const { state } = body;
  return state === 'alive' || state === 'suspect' || state === 'faulty' ? state : undefined;
}

function namesField(body: Body, field: string): string[] | undefined {
  const items = arrayField(body, field);
  if (items === undefined || items.length > BY_MAX) return undefined;
  const names = items.filter((item): item is string => typeof item === 'string');
  return names.length === items.length && names.every((n) => nameProblem(n) === undefined)
    ? names
    : undefined;
}

function malformed(why: string): KvError {
  return definite('BAD_REQUEST', `a malformed message of the failure detector: ${why}`);
}
