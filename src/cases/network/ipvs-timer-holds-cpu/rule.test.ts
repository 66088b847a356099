import { describe, expect, test } from 'vitest';
import { common, notThere } from '../../../../test/support/facts.ts';
import { judgeFixture } from '../../../../test/support/fixture.ts';
import { absent, present } from '../../../linux/reading.ts';
import type { SoftirqFunction, SoftirqResult } from '../../../trace/instruments/softirq/result.ts';
import { definition, type IpvsTimerFacts } from './case.ts';
import { rule } from './rule.ts';

const timer = (name: string, longestMs: number, change: Partial<SoftirqFunction> = {}): SoftirqFunction => ({
  name,
  kind: 'timer',
  whose: 'container',
  packets: 0,
  us: longestMs * 1000,
  count: 1,
  longestUs: longestMs * 1000,
  ...change,
});

const traced = (...functions: readonly SoftirqFunction[]): IpvsTimerFacts['traced'] => {
  const softirq: SoftirqResult = {
    engine: 'ebpf',
    seconds: 2.5,
    lost: 0,
    ended: 'stopped',
    vectors: [],
    times: {},
    functions,
    takenUs: 0,
  };
  return present({ softirq: present(softirq) });
};
const services = (count: number) => present({ services: count, destinations: 3 * count });
const estimates = (value: string) => present({ 'net.ipv4.vs.run_estimation': value });

const judge = (change: Partial<IpvsTimerFacts> = {}) =>
  rule({
    ...common({ windowMs: 2500 }),
    traced: traced(timer('estimation_timer', 48)),
    virtualServices: services(1000),
    hostSysctls: estimates('1'),
    ...change,
  });

describe('captured in the virtual machine, 6.1, 128 possible CPUs', () => {
  test('the timer was seen to hold the CPU', () => {
    const verdict = judgeFixture(definition, rule, 'problem');
    expect(verdict).toMatchObject({ kind: 'found', severity: 'warning' });
    expect(JSON.stringify(verdict)).toContain('1000 services with 1000 real servers');
  });
  test('with ten services the same timer is no matter', () => {
    const verdict = judgeFixture(definition, rule, 'healthy');
    expect(verdict).toMatchObject({ kind: 'ruled-out' });
    expect(JSON.stringify(verdict)).toContain('10 services');
  });
});

test('its own threads paid: proved; others had the CPU: likely', () => {
  expect(judge()).toMatchObject({ kind: 'found', severity: 'warning', certainty: 'proved' });
  const others = traced(timer('estimation_timer', 48, { whose: 'others' }));
  expect(judge({ traced: others })).toMatchObject({ kind: 'found', certainty: 'likely' });
});

test.each([
  [0.9, 'ruled-out', undefined],
  [3.9, 'ruled-out', undefined],
  [4, 'found', 'notice'],
  [9.9, 'found', 'notice'],
  [10, 'found', 'warning'],
])('%d ms at the longest: %s %s', (longest, kind, severity) => {
  const verdict = judge({ traced: traced(timer('estimation_timer', longest)) });
  expect(verdict).toMatchObject({ kind, ...(severity === undefined ? {} : { severity }) });
});

test('another timer that is as long is not blamed on IPVS', () => {
  expect(judge({ traced: traced(timer('tcp_orphan_update', 48)) }).kind).toBe('ruled-out');
});

test('the switch is offered where the kernel has it', () => {
  expect(judge()).toMatchObject({ fixes: [{ command: 'sysctl -w net.ipv4.vs.run_estimation=0' }, {}, {}] });
  const [first] = (judge({ hostSysctls: present({}) }) as { fixes: readonly object[] }).fixes;
  expect(first).not.toHaveProperty('command');
});

describe('without a look into the kernel', () => {
  const untraced = absent('what happens in the kernel', 'needs-trace', 'glassbox diagnose --deep web-1');
  test('many services are worth one', () => {
    expect(judge({ traced: untraced })).toMatchObject({
      kind: 'inconclusive',
      missing: [{ because: 'needs-trace' }],
    });
  });
  test.each([
    ['few services', { virtualServices: services(99) }],
    ['IPVS is not loaded', { virtualServices: notThere }],
    ['it is switched off', { hostSysctls: estimates('0') }],
  ])('%s: nothing to look for', (_, change) => {
    expect(judge({ traced: untraced, ...change }).kind).toBe('ruled-out');
  });
  test('the kernel cannot be traced: it stays open', () => {
    const refused = present({ softirq: absent('softirqs', 'not-permitted', 'run it as root') });
    expect(judge({ traced: refused })).toMatchObject({ kind: 'inconclusive' });
  });
});
