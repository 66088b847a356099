import { expect, test } from 'vitest';
import { common, container, notThere, process } from '../../../../test/support/facts.ts';
import { judgeFixture } from '../../../../test/support/fixture.ts';
import { present } from '../../../linux/reading.ts';
import { clockTicks, hostPid, nsPid } from '../../../linux/units.ts';
import type { ProcessFacts, SignalFetching } from '../../../observe/observation.ts';
import { definition } from './case.ts';
import { rule } from './rule.ts';

const quiet = { pending: [], sharedPending: [], blocked: [], ignored: [], caught: [] };
const catching = (...caught: number[]) => ({ ...quiet, caught });

const shell = (script: string, signals = catching(15, 17)): ProcessFacts =>
  process(4711, {
    commandLine: ['sh', '-c', script],
    executable: present('/usr/bin/dash'),
    status: { signals },
  });
const worker = (pid = 5000, change: Parameters<typeof process>[1] = {}): ProcessFacts =>
  process(pid, {
    commandLine: ['worker'],
    executable: present('/usr/bin/worker'),
    ...change,
    status: {
      name: 'worker',
      parent: hostPid(4711),
      namespacePids: [nsPid(pid), nsPid(7)],
      signals: catching(15),
      ...change.status,
    },
  });

const waiting = (...waitChannels: string[]): SignalFetching => ({
  descriptorSignals: [],
  waitChannels,
  oneShotSignals: notThere,
});

const judge = (
  init: ProcessFacts,
  others: readonly ProcessFacts[] = [worker()],
  channel = 'sigsuspend',
  change: Parameters<typeof container>[0] = {},
) =>
  rule({
    ...common({ container: container(change) }),
    init,
    processes: [init, ...others],
    initSignals: present(waiting(channel)),
  });

const tini = process(4711, {
  commandLine: ['/sbin/docker-init', '--', 'sh'],
  executable: present('/sbin/docker-init'),
});
const leaves = shell("trap 'exit 0' TERM; worker & wait");

test('a trap that tells nobody: likely, and the trap is quoted', () => {
  expect(judge(leaves)).toMatchObject({
    kind: 'found',
    severity: 'warning',
    certainty: 'likely',
    summary: expect.stringMatching(/without telling its children.* 1 process with a handler for SIGTERM/),
    evidence: [{ observed: "trap 'exit 0'" }, { observed: '0000000000004000' }],
  });
});

test('a trap that tells them and does not wait', () => {
  expect(judge(shell("trap 'kill $c; exit' TERM; worker & c=$!; wait"))).toMatchObject({
    kind: 'found',
    summary: expect.stringContaining('without waiting for them'),
  });
});

test.each<[string, ReturnType<typeof judge>]>([
  [
    'the trap passes it on and waits',
    judge(shell("trap 'kill $c; wait $c; exit' TERM; worker & c=$!; wait")),
  ],
  ['PID 1 does not get the signal: another case', judge(shell('worker & wait', quiet))],
  ['no other process has a handler', judge(leaves, [worker(5000, { status: { signals: quiet } })])],
  ['the one with a handler has ended', judge(leaves, [worker(5000, { status: { state: 'Z' } })])],
  ['PID 1 is alone', judge(leaves, [])],
  [
    'nginx, postgres: workers of the same program',
    judge(process(4711, { executable: present('/usr/sbin/nginx'), status: { signals: catching(15) } }), [
      worker(5000, { executable: present('/usr/sbin/nginx') }),
    ]),
  ],
  [
    'no pid namespace of its own',
    judge(process(4711, { status: { namespacePids: [nsPid(4711)], signals: catching(15) } })),
  ],
])('ruled out: %s', (_, verdict) => {
  expect(verdict).toMatchObject({ kind: 'ruled-out' });
});

test.each<[string, ReturnType<typeof judge>]>([
  [
    'a script file',
    judge(process(4711, { commandLine: ['/bin/sh', '/entrypoint.sh'], status: { signals: catching(15) } })),
  ],
  ['a supervisor of other programs', judge(process(4711, { status: { signals: catching(15) } }))],
  ['bash that may wait in the foreground', judge(shell("trap 'exit' TERM; worker"), [worker()], 'do_wait')],
  [
    'a shell and workers that are shells: no worker processes of one server',
    judge(shell('f() { :; }; trap f TERM; wait'), [worker(5000, { executable: present('/usr/bin/dash') })]),
  ],
  [
    'only Node, whose runtime always catches it',
    judge(leaves, [worker(5000, { commandLine: ['node', 'a.js'] })]),
  ],
  [
    'only Go, whose runtime catches everything',
    judge(leaves, [
      worker(5000, { status: { signals: catching(...Array.from({ length: 60 }, (_, n) => n + 1)) } }),
    ]),
  ],
])('not decided by masks: %s', (_, verdict) => {
  expect(verdict).toMatchObject({ kind: 'inconclusive', missing: [{ because: 'needs-trace' }] });
});

test('bash in `wait` and in the foreground look the same: its script says which', () => {
  expect(judge(leaves, [worker()], 'do_wait')).toMatchObject({ kind: 'found' });
});

const under = (first: ProcessFacts, ...more: readonly ProcessFacts[]) =>
  judge(tini, [first, ...more], 'do_sigtimedwait');
const main = (signals: ProcessFacts['status']['signals'], script = 'worker & wait; true') =>
  process(4800, {
    startTime: clockTicks(10),
    commandLine: ['sh', '-c', script],
    executable: present('/usr/bin/dash'),
    status: { parent: hostPid(4711), namespacePids: [nsPid(4800), nsPid(2)], signals },
  });

test('a small init whose first child is a shell without a trap: the worker behind it is lost', () => {
  expect(under(main(quiet), worker(5000, { status: { parent: hostPid(4800) } }))).toMatchObject({
    kind: 'found',
    certainty: 'likely',
    summary: expect.stringContaining('which has no handler and ends at once'),
    fixes: [{}, {}, {}],
  });
});

test.each<[string, ReturnType<typeof judge>]>([
  ['its first child is the worker', under(worker())],
  [
    'an orphan that it was given is not its first child',
    under(worker(5000, { startTime: clockTicks(1) }), main(quiet)),
  ],
  [
    'its first child passes it on and waits',
    under(main(catching(15), "trap 'kill $c; wait $c; exit' TERM; wait"), worker()),
  ],
  ['its first child ignores it: then it does not end', under(main({ ...quiet, ignored: [15] }), worker())],
])('a small init, ruled out: %s', (_, verdict) => {
  expect(verdict).toMatchObject({ kind: 'ruled-out' });
});

test('another init that fetches its signals, systemd for one, is not guessed at', () => {
  const systemd = process(4711, {
    commandLine: ['/sbin/init'],
    executable: present('/usr/lib/systemd/systemd'),
  });
  expect(judge(systemd, [worker()], 'do_sigtimedwait')).toMatchObject({ kind: 'inconclusive' });
});

test("the image's own stop signal counts", () => {
  const init = shell("trap 'exit' QUIT; worker & wait", catching(3, 17));
  expect(
    judge(init, [worker(5000, { status: { signals: catching(3) } })], 'sigsuspend', { stopSignal: 3 }),
  ).toMatchObject({
    kind: 'found',
    summary: expect.stringContaining('SIGQUIT'),
  });
  expect(judge(init, [worker()], 'sigsuspend', { stopSignal: 3 })).toMatchObject({ kind: 'ruled-out' });
});

test('the lab, captured on Linux 6.18: a shell that leaves its worker, and one that waits for it', () => {
  expect(judgeFixture(definition, rule, 'problem')).toMatchObject({
    kind: 'found',
    evidence: [{ observed: "trap 'exit 0'" }, { observed: '0000000000014000' }],
  });
  expect(judgeFixture(definition, rule, 'healthy')).toMatchObject({
    kind: 'ruled-out',
    evidence: [{ observed: 'kill -TERM "$child"; wait "$child"; exit 0' }],
  });
});
