import t from 'tap';
import { ControlConnection } from '../../bench/control-connection.js';
import { fetchRing } from '../../bench/node-facts.js';
import type { Shell } from '../../bench/shell.js';
import { writeBody } from '../../src/wire/body.js';
import { HELLO, OWNERS, RESULT, RING, STATUS } from '../../src/wire/message-type.js';
import { ScriptedNetwork, type ScriptedNode, TurningClock } from './scripted-network.js';

class Control {
  readonly clock = new TurningClock();
  readonly network = new ScriptedNetwork(this.clock, 9);
  readonly node: ScriptedNode = this.network.addNodes(1)[0]!;
  readonly shell: Shell = {
    clock: this.clock,
    network: this.network,
    ownCpu: () => ({ userUs: 0, systemUs: 0 }),
    say() {},
  };

  open(address = 'node:1'): Promise<ControlConnection> {
    return this.after(5, ControlConnection.open(address, this.shell));
  }

  /** What the promise comes to, having let time pass. */
  async after<T>(ms: number, promise: Promise<T>): Promise<T> {
    promise.catch(() => {}); // It is looked at after the time has passed.
    await this.clock.advanceAsync(ms);
    return promise;
  }
}

t.test('a request has its answer, and leaves no timer behind', async (t) => {
  const control = new Control();
  control.node.status = () => ({ answer: 42 });
  const connection = await control.open();
  t.same(await control.after(5, connection.request(STATUS)), { answer: 42 });
  t.equal(control.clock.pendingTimers, 0);
});

t.test('a refusal has the code of the node', async (t) => {
  const control = new Control();
  const connection = await control.open();
  await t.rejects(control.after(5, connection.request(OWNERS)), { code: 'UNKNOWN_TYPE', definite: true });
});

t.test('silence is a timeout, and the late answer is dropped', async (t) => {
  const control = new Control();
  const connection = await control.open();
  control.node.stallUntilMs = control.clock.monotonicMs() + 15_000;
  await t.rejects(control.after(11_000, connection.request(STATUS)), { code: 'TIMEOUT', message: /STATUS/ });
  await control.clock.advanceAsync(10_000);
  t.same(await control.after(5, connection.request(STATUS)), {});
});

t.test('a lost connection fails what waits and what comes', async (t) => {
  const control = new Control();
  const connection = await control.open();
  control.node.script = (_frame, _outbox, link) => {
    link.hangUp();
    return true;
  };
  await t.rejects(control.after(5, connection.request(STATUS)), { code: 'CONNECTION_LOST' });
  await t.rejects(connection.request(STATUS), { code: 'CONNECTION_LOST' });
});

t.test('a node that is not there or does not welcome us cannot be opened', async (t) => {
  const control = new Control();
  await t.rejects(control.open('node:7'), { code: 'CONNECT_FAILED', message: /node:7: connection refused/ });
  control.node.script = (frame, outbox) => {
    if (frame.type === HELLO) writeBody(outbox, RESULT, 999, {});
    return false;
  };
  t.ok(await control.open(), 'an answer to nothing is passed over');
});

t.test('a ring without members is not one', async (t) => {
  const control = new Control();
  const connection = await control.open();
  t.same(await control.after(5, fetchRing(connection)), {
    members: [{ name: 'n1', address: 'node:1' }],
    live: ['n1'],
  });
  for (const body of [
    {},
    { members: [] },
    { members: [{ name: 'n1' }], live: [] },
    { members: 1, live: [] },
  ]) {
    control.node.script = (frame, outbox) => {
      if (frame.type === RING) writeBody(outbox, RESULT, frame.id, body);
      return frame.type === RING;
    };
    await t.rejects(control.after(5, fetchRing(connection)), { code: 'PROTOCOL' }, JSON.stringify(body));
  }
});
