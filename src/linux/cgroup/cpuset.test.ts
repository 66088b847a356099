import { expect, test } from 'vitest';
import { cgroupOf } from '../../../test/support/cgroup.ts';
import { present } from '../reading.ts';
import { readCpuset } from './cpuset.ts';

test.each([
  ['v1', 'cpuset.effective_cpus', 'cpuset.effective_mems'],
  ['v2', 'cpuset.cpus.effective', 'cpuset.mems.effective'],
] as const)('%s: what tasks may really use', (version, cpus, nodes) => {
  expect(readCpuset(cgroupOf(version, { [cpus]: '0-2,7\n', [nodes]: '0\n' }))).toEqual(
    present({ cpus: [0, 1, 2, 7], memoryNodes: [0] }),
  );
  expect(readCpuset(cgroupOf(version, { [cpus]: '\n', [nodes]: '\n' }))).toEqual(
    present({ cpus: [], memoryNodes: [] }),
  );
  expect(readCpuset(cgroupOf(version, { [cpus]: 'all\n', [nodes]: '0\n' }))).toMatchObject({
    because: 'unreadable',
  });
});
