import { expect, test } from 'vitest';
import {
  chain,
  common,
  container,
  cpuSample,
  host,
  level,
  memorySample,
  notThere,
  process,
} from '../../../../test/support/facts.ts';
import { judgeFixture } from '../../../../test/support/fixture.ts';
import { absent, present } from '../../../linux/reading.ts';
import { bytes, hostPid, limitOf, microseconds } from '../../../linux/units.ts';
import type { BlockedTask, ProcessFacts } from '../../../observe/observation.ts';
import { definition } from './case.ts';
import { rule } from './rule.ts';

const hidden = absent('/proc/5000/wchan', 'not-permitted', 'run as root');
const task = (channel: string | undefined, stack: readonly string[] = [], thread = 5000): BlockedTask => ({
  thread: hostPid(thread),
  name: 'worker',
  waitChannel: channel === undefined ? hidden : present(channel),
  stack: stack.length === 0 ? hidden : present(stack),
});
const stuck = (...blocked: readonly BlockedTask[]): ProcessFacts =>
  process(5000, { blocked, status: { state: 'D' } });

const judge = (
  processes: readonly ProcessFacts[],
  change: Partial<Omit<Parameters<typeof rule>[0], 'processes'>> = {},
) => rule({ ...common(), processes, freezer: notThere, memory: notThere, cpu: notThere, ...change });

/** The first four as Linux 6.18 printed them here; the others by their source. */
test.each<[string, BlockedTask, string, string, string]>([
  ['vfork', task('kernel_clone', ['kernel_clone', '__do_sys_clone']), 'notice', 'proved', 'made by vfork'],
  ['vfork before 5.10', task('_do_fork'), 'notice', 'proved', 'made by vfork'],
  [
    'a frozen file system',
    task('percpu_rwsem_wait', ['percpu_rwsem_wait', 'mnt_want_write', 'path_openat']),
    'critical',
    'proved',
    'frozen file system',
  ],
  [
    'memory, with the OOM killer off',
    task('mem_cgroup_oom_synchronize', ['mem_cgroup_oom_synchronize', 'pagefault_out_of_memory']),
    'critical',
    'proved',
    'OOM killer is switched off',
  ],
  [
    'memory.high',
    task('schedule_timeout', ['__mem_cgroup_handle_over_high']),
    'notice',
    'proved',
    'memory.high',
  ],
  [
    'NFS',
    task('rpc_wait_bit_killable', ['__rpc_execute', 'nfs4_proc_getattr']),
    'warning',
    'proved',
    'network',
  ],
  [
    'a lock under NFS',
    task('rwsem_down_write_slowpath', ['nfs_start_io_write']),
    'warning',
    'proved',
    'network',
  ],
  ['FUSE', task('request_wait_answer', ['fuse_simple_request']), 'warning', 'proved', 'FUSE'],
  ['a disk', task('folio_wait_bit_common', ['filemap_fault']), 'notice', 'proved', 'a disk'],
  ['a journal', task('jbd2_log_wait_commit'), 'notice', 'proved', 'a disk'],
  ['a lock', task('__mutex_lock'), 'notice', 'likely', 'a lock in the kernel'],
  [
    'fork while tasks move between cgroups',
    task('percpu_rwsem_wait', ['percpu_rwsem_wait', 'copy_process', 'kernel_clone']),
    'notice',
    'likely',
    'a lock in the kernel',
  ],
  ['what may not be seen', task(undefined), 'notice', 'likely', 'something in the kernel'],
])('%s', (_, blocked, severity, certainty, words) => {
  expect(judge([process(), stuck(blocked)])).toMatchObject({
    kind: 'found',
    severity,
    certainty,
    summary: expect.stringContaining(words),
  });
});

test('as many as there are CPUs is a warning, whatever they wait for', () => {
  const many = [task('folio_wait_bit_common', [], 5000), task('folio_wait_bit_common', [], 5001)];
  expect(judge([stuck(...many)])).toMatchObject({ severity: 'warning' });
});

test('D for a moment is what disks are like', () => {
  const times = { running: microseconds(900), waiting: microseconds(0), timeslices: 3 };
  const scheduler = present({ first: times, last: { ...times, timeslices: 40 } });
  expect(judge([process(4711, { status: { state: 'D' }, scheduler })])).toMatchObject({
    kind: 'ruled-out',
    evidence: [{ claim: '1 process in D for a moment, none for the whole window' }],
  });
});

test('without schedstat nobody can tell a moment from the whole window', () => {
  const unknown = process(4711, {
    status: { state: 'D' },
    scheduler: absent('/proc/4711/schedstat', 'disabled', 'CONFIG_SCHED_INFO'),
  });
  expect(judge([unknown])).toMatchObject({ kind: 'inconclusive' });
  const young = {
    ...unknown,
    scheduler: absent('/proc/4711/schedstat', 'vanished', 'it began in the window'),
  };
  expect(judge([young])).toMatchObject({ kind: 'ruled-out' });
});

test('a paused container on cgroup v1: D in ps, and no load', () => {
  const freezer = present(chain(level('/box/web-1', { state: 'frozen' as const })));
  expect(judge([stuck(task('hrtimer_nanosleep'))], { freezer })).toMatchObject({
    kind: 'ruled-out',
    evidence: [{ observed: 'frozen' }],
  });
});

test('groups by what they wait for, the largest first; the child of vfork is named', () => {
  const child = process(6000, { status: { name: 'x; rm', parent: hostPid(5001) } });
  const verdict = judge([
    stuck(task('folio_wait_bit_common')),
    process(5001, { blocked: [task('kernel_clone'), task('kernel_clone', [], 5002)] }),
    child,
  ]);
  expect(verdict).toMatchObject({
    summary: expect.stringMatching(/^3 tasks .* 2 of them for a child made by vfork/),
    evidence: [
      { observed: 'D, +0 time slices, kernel_clone' },
      { source: '/proc/6000/status PPid, State' },
      {},
      {},
    ],
    fixes: [{ command: 'cat /proc/6000/stack; kill -TERM 6000' }, {}],
  });
});

test('no more of the load than its age allows', () => {
  // Booted an hour before it is looked at; the process is 60 s old: 1 − 1/e of one task.
  const observedAt = '2026-11-23T12:00:00.000Z';
  const bootedAt = '2026-11-23T11:00:00.000Z';
  const young = process(5000, {
    blocked: [task('kernel_clone')],
    startTime: (3540 * 100) as ProcessFacts['startTime'],
  });
  expect(
    judge([young], { observedAt, host: host({ bootedAt, loadAverage: present([5.1, 2, 1]) }) }),
  ).toMatchObject({
    evidence: [{}, { claim: expect.stringContaining('up to 0.6 of'), observed: '5.1 2 1; 1 in D, 2 CPUs' }],
  });
});

test('OOM killer off: its bits are evidence, the limit and the switch are the fixes', () => {
  const memory = present(
    chain(
      level(
        '/box/web-1',
        memorySample({ limit: limitOf(bytes(8_388_608)), oomKillDisabled: true, underOom: true }),
      ),
    ),
  );
  const oom = stuck(task('mem_cgroup_oom_synchronize'));
  const directory = '/sys/fs/cgroup/test/box/web-1';
  expect(judge([oom], { memory })).toMatchObject({
    evidence: [{}, {}, { observed: '1, 1' }],
    fixes: [
      { command: `echo 16777216 > ${directory}/memory.limit_in_bytes` },
      { command: `echo 0 > ${directory}/memory.oom_control` },
    ],
  });
  const pod = container({ pod: { namespace: 'a', name: 'b', container: 'c' } });
  const inPod = judge([oom], { memory, container: pod });
  expect(inPod.kind === 'found' && inPod.fixes.some(fix => 'command' in fix)).toBe(false);
});

test('its CPU use does not explain the load', () => {
  const used = (ms: number) =>
    present(
      chain(
        level(
          '/box/web-1',
          cpuSample({ usage: present(microseconds(ms * 1000)) }),
          cpuSample({ usage: present(microseconds(0)) }),
        ),
      ),
    );
  const claims = (ms: number) => {
    const verdict = judge([stuck(task('kernel_clone'))], { cpu: used(ms) });
    return verdict.kind === 'found' ? verdict.excluded.map(({ claim }) => claim).join() : '';
  };
  expect(claims(17)).toContain('Not its demand for CPU');
  expect(claims(990)).not.toContain('Not its demand');
});

test('the lab, captured on Linux 6.18: twelve parents in vfork, and the twin with fork', () => {
  expect(judgeFixture(definition, rule, 'problem')).toMatchObject({
    kind: 'found',
    severity: 'warning',
    certainty: 'proved',
    summary: expect.stringMatching(/^12 tasks /),
    evidence: [{ observed: 'D, +0 time slices, kernel_clone' }, {}, {}, {}],
  });
  expect(judgeFixture(definition, rule, 'healthy')).toMatchObject({ kind: 'ruled-out' });
});
