import { expect, test } from 'vitest';
import { defineCase } from '../../diagnose/case.ts';
import { found } from '../../diagnose/verdict.ts';
import { formatFinding } from './finding.ts';
import { width } from './layout.ts';

const definition = defineCase({
  id: 'process/cpu-throttled',
  title: { en: 'CPU throttled below its average limit', 'zh-CN': '平均用量未到上限却被限流' },
  symptoms: ['slow'],
  questions: ['healthy'],
  namespaces: [],
  controllers: ['cpu'],
  needs: [],
  mayUse: [],
  references: [],
});

const finding = found({
  severity: 'critical',
  certainty: 'proved',
  summary: 'It used 0.35 CPU of its 0.50 limit, yet 4 of 10 periods were cut short by "\u001b[2J\nCRITICAL".',
  evidence: [
    { claim: 'nr_throttled', source: '/sys/fs/cgroup/cpu/docker/3f2ac01b/cpu.stat', observed: '102 → 106' },
    {
      claim: 'a claim that is so long that nothing else can stand beside it on the line',
      source: '/proc/4711/status',
      observed: 'SigCgt: 0000000000000000',
    },
  ],
  excluded: [{ claim: 'Not a neighbour', source: '/proc/4711/schedstat', observed: 'run-queue wait 3 ms' }],
  fixes: [
    {
      action: 'raise the quota',
      command: 'docker update --cpus 1 web-1',
      effect: 'enough for 2 threads',
      risk: 'costs 0.5 CPU',
    },
  ],
  trace: 'throttle',
});

const text = formatFinding(definition, finding, { width: 80, paint: (_, plain) => plain });

test('a finding fits 80 columns and says everything a reader needs to go on', () => {
  expect(Math.max(...text.split('\n').map(width))).toBeLessThanOrEqual(80);
  for (const part of [
    'CRITICAL',
    'process/cpu-throttled, proved',
    '102 → 106',
    '/proc/4711/status',
    'Not a neighbour (run-queue wait 3 ms).',
    'docker update --cpus 1 web-1',
    'glassbox lab run process/cpu-throttled',
    'glassbox explain process/cpu-throttled',
  ])
    expect(text).toContain(part);
});

test("a container's text cannot forge lines or move the cursor", () => {
  expect(text).not.toContain('\u001b');
  expect(text).toContain('\\x1b[2J\\nCRITICAL');
});
