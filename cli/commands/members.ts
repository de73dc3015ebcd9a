/** `members [--watch]`: who the members are, and how one node sees them; once, or until Ctrl-C. */
import type { StatusMap } from '../client.js';
import { renderMembers } from '../output/members-view.js';
import { type Output, writeJson, writeLine } from '../output/output.js';
import { Repaint } from '../output/repaint.js';
import { byName, listOf, text } from '../output/status-fields.js';
import { DONE, type ExitCode, pause, type Session } from '../session.js';
import { isAway, membersOf, shortProblem, statusOfNamed } from './nodes.js';

/** How long a node may take for an answer before the next one is asked. */
const ANSWER_MS = 1000;

export async function members(session: Session, watchMs: number | undefined): Promise<ExitCode> {
  const { output, settings } = session;
  if (watchMs !== undefined) return new MembersWatch(session, watchMs).run();
  const list = listOf((await statusOfNamed(session)).members);
  if (settings.json) for (const member of list) await writeJson(output, member);
  else await output.write(renderMembers(list, output.colour));
  return DONE;
}

/** The state of one member, as it is compared from one look to the next. */
interface Seen {
  readonly state: string;
  readonly incarnation: string;
}

class MembersWatch {
  readonly #session: Session;
  readonly #everyMs: number;
  readonly #repaint: Repaint | undefined;
  /** Whom to ask: the one that answered last comes first. */
  #addresses: string[];
  #asked = '';
  #seen = new Map<string, Seen>();
  #isAlone = false;

  constructor(session: Session, everyMs: number) {
    this.#session = session;
    this.#everyMs = everyMs;
    this.#addresses = [...session.hosts];
    const { output, settings } = session;
    this.#repaint = output.isTerminal && !settings.json ? new Repaint(output) : undefined;
  }

  async run(): Promise<ExitCode> {
    const { signal, clock } = this.#session;
    // Who cannot be reached at all is told at once, as by any command.
    await this.#session.client();
    while (!signal.aborted) {
      const status = await this.#ask();
      if (signal.aborted) break;
      if (status !== undefined) await this.#show(status);
      else await this.#onNobody();
      await pause(clock, this.#everyMs, signal);
    }
    return DONE;
  }

  /** The status of the first node that answers; undefined when none does. */
  async #ask(): Promise<StatusMap | undefined> {
    const { signal, settings } = this.#session;
    const client = await this.#session.client();
    const options = { timeoutMs: settings.timeoutMs ?? ANSWER_MS, signal };
    for (const address of this.#addresses) {
      try {
        const status = await client.status(address, options);
        this.#onAnswer(address, status);
        return status;
      } catch (error) {
        if (signal.aborted) return undefined;
        if (!isAway(error)) throw error;
        if (address === this.#asked)
          this.#note(`${address} does not answer any more: ${shortProblem(error)}`);
      }
    }
    return undefined;
  }

  #onAnswer(address: string, status: StatusMap): void {
    if (this.#asked !== '' && this.#asked !== address) this.#note(`${address} is asked from now on`);
    this.#asked = address;
    this.#isAlone = false;
    const known = membersOf(status).map((member) => member.address);
    this.#addresses = [...new Set([address, ...known, ...this.#session.hosts])];
  }

  async #onNobody(): Promise<void> {
    if (this.#isAlone) return;
    this.#isAlone = true;
    this.#asked = '';
    this.#note(`no node answers; asking ${this.#addresses.join(', ')} again and again`);
  }

  async #show(status: StatusMap): Promise<void> {
    const { output, clock } = this.#session;
    const list = listOf(status.members);
    if (this.#repaint === undefined) return this.#showChanges(status, list);
    const at = new Date(clock.wallMs()).toISOString().slice(11, 19);
    const title = `as ${text(status.name)} sees them at ${at} UTC; Ctrl-C ends\n`;
    await this.#repaint.show(`${output.colour.dim(title)}${renderMembers(list, output.colour)}`);
  }

  async #showChanges(status: StatusMap, list: readonly StatusMap[]): Promise<void> {
    const now = new Map<string, Seen>();
    for (const member of byName(list)) {
      // A node says "self" of itself: that it answers.
      const state = member.state === 'self' ? 'alive' : text(member.state);
      const name = text(member.name);
      const seen = { state, incarnation: text(member.incarnation) };
      now.set(name, seen);
      await this.#onSeen(text(status.name), name, seen);
    }
    for (const name of this.#seen.keys()) {
      if (!now.has(name)) await this.#onSeen(text(status.name), name, { state: 'gone', incarnation: '-' });
    }
    this.#seen = now;
  }

  async #onSeen(by: string, name: string, seen: Seen): Promise<void> {
    const { output, settings, clock } = this.#session;
    const before = this.#seen.get(name);
    if (before?.state === seen.state) return;
    const at = new Date(clock.wallMs()).toISOString();
    if (settings.json) {
      const { state, incarnation } = seen;
      const change = {
        at,
        name,
        state,
        before: before?.state ?? null,
        incarnation: Number(incarnation) || null,
        by,
      };
      return writeJson(output, change);
    }
    const was = before === undefined ? '' : ` (was ${before.state})`;
    await writeLine(output, `${at}  ${name} is ${seen.state}${was}, says ${by}`);
  }

  #note(line: string): void {
    const output: Output = this.#session.output;
    this.#repaint?.leave();
    output.note(this.#session.settings.json ? JSON.stringify({ note: line }) : line);
  }
}
