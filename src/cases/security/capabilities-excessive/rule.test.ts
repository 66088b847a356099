import { expect, test } from 'vitest';
import { common, container, isolationFacts, process } from '../../../../test/support/facts.ts';
import { judgeFixture } from '../../../../test/support/fixture.ts';
import { engineDefaultCapabilities } from '../../../linux/capabilities.ts';
import { absent, present } from '../../../linux/reading.ts';
import { hostPid } from '../../../linux/units.ts';
import type { IsolationFacts, ProcessFacts } from '../../../observe/observation.ts';
import type { AskedCapability } from '../../../trace/instruments/capabilities/result.ts';
import { definition } from './case.ts';
import { rule } from './rule.ts';

type RuleFacts = Parameters<typeof rule>[0];

const traced = (used: readonly number[], asked: readonly AskedCapability[] = []): RuleFacts['traced'] =>
  present({
    capabilities: present({ engine: 'ebpf', lost: 0, ended: 'time', seconds: 5, asked, used, missing: [] }),
  });
const holding = (permitted: readonly number[], bounding = permitted, uid = 0): ProcessFacts =>
  process(4711, {
    status: {
      uid: { real: uid, effective: uid, saved: uid, filesystem: uid },
      capabilities: { inheritable: [], permitted, effective: permitted, bounding, ambient: [] },
    },
  });
const judge = (
  init: ProcessFacts,
  trace: RuleFacts['traced'],
  isolation: Partial<IsolationFacts> = {},
  change: Partial<RuleFacts> = {},
) =>
  rule({
    ...common(),
    init,
    isolation: isolationFacts(isolation),
    processes: present([init]),
    traced: trace,
    ...change,
  });

test('the lab: three more than an engine gives, and one used; the twin holds that one', () => {
  expect(judgeFixture(definition, rule, 'problem')).toMatchObject({
    kind: 'found',
    severity: 'warning',
    certainty: 'likely',
    summary: expect.stringMatching(
      /^Of the 17 capabilities that it holds it used CHOWN in .*: NET_ADMIN, SYS_PTRACE, SYS_ADMIN\.$/,
    ),
    excluded: [{ claim: expect.stringContaining('memory accounting') }],
    fixes: [{ action: expect.stringMatching(/--cap-drop ALL --cap-add CHOWN .*add: \[CHOWN\]/) }],
    trace: 'capabilities',
  });
  expect(judgeFixture(definition, rule, 'healthy')).toMatchObject({ kind: 'ruled-out' });
});

test("the ordinary container: an engine's default, hardly used, is a notice", () => {
  expect(judge(holding(engineDefaultCapabilities), traced([0, 6, 7]))).toMatchObject({
    kind: 'found',
    severity: 'notice',
    summary: expect.stringContaining('The other 11 are among those that engines give by default'),
  });
});

test('without a trace nobody knows what is used', () => {
  const none = absent('what happens in the kernel', 'needs-trace', 'glassbox diagnose --deep web-1');
  expect(judge(holding([0, 21]), none)).toEqual({
    kind: 'inconclusive',
    missing: [
      {
        what: 'which of its 2 capabilities it uses',
        because: 'needs-trace',
        remedy: 'glassbox diagnose --deep web-1',
      },
    ],
  });
});

test.each<[string, ProcessFacts, readonly number[], Partial<IsolationFacts>]>([
  ['none held', holding([], [], 1000), [], {}],
  ['not root: the bounding set is not held', holding([], engineDefaultCapabilities, 1000), [], {}],
  ['all used', holding([0, 10]), [0, 10], {}],
  ['a user namespace of its own', holding([0, 21]), [], { userNamespaceIsHost: false }],
])('ruled out: %s', (_, init, used, isolation) => {
  expect(judge(init, traced(used), isolation)).toMatchObject({ kind: 'ruled-out' });
});

test('what another process of it holds counts, and so does what root gets by an exec', () => {
  const worker = { ...holding([21], [21], 1000), pid: hostPid(4800) };
  const verdict = judge(holding([], [], 1000), traced([]), {}, { processes: present([worker]) });
  expect(verdict).toMatchObject({ kind: 'found', severity: 'warning' });
  expect(judge(holding([], [12]), traced([]))).toMatchObject({
    severity: 'warning',
    summary: expect.stringContaining('it used none in 5.0 s'),
    fixes: [{ action: expect.stringContaining('capabilities: {drop: [ALL]}') }],
  });
});

test('the set as flags of Docker, and as securityContext of a pod', () => {
  const fixOf = (change: Parameters<typeof container>[0]) => {
    const verdict = judge(holding([0, 21]), traced([0]), {}, { container: container(change) });
    return verdict.kind === 'found' ? verdict.fixes[0] : undefined;
  };
  expect(fixOf({ engine: 'docker' })?.command).toBe(
    'docker run --cap-drop ALL --cap-add CHOWN --security-opt no-new-privileges …',
  );
  expect(fixOf({ engine: 'containerd', pod: { namespace: 'a', name: 'b', container: 'c' } })?.action).toBe(
    'In the pod spec: securityContext: {privileged: false, allowPrivilegeEscalation: false, capabilities: {drop: [ALL], add: [CHOWN]}, seccompProfile: {type: RuntimeDefault}}',
  );
});
