import { expect, test } from 'vitest';
import { cgroupOf } from '../../../test/support/cgroup.ts';
import { absent } from '../reading.ts';
import { readPressure } from './pressure.ts';

const lines = 'some avg10=1.31 avg60=0.30 avg300=0.06 total=1159168\n';
const full = 'full avg10=1.31 avg60=0.30 avg300=0.06 total=1023328\n';

test('a cgroup2 directory of 6.18, and one of 5.4 whose cpu.pressure has one line', () => {
  const files = { 'cpu.pressure': lines, 'memory.pressure': lines + full, 'io.pressure': lines + full };
  expect(readPressure(cgroupOf('v2', files))).toMatchObject({
    value: {
      cpu: { value: { some: { total: 1_159_168 }, full: { present: false } } },
      memory: { value: { some: { avg10: 1.31 }, full: { value: { total: 1_023_328 } } } },
    },
  });
});

test('no files: the kernel has no PSI, or the cgroup is gone', () => {
  expect(readPressure(cgroupOf('v2', { 'cgroup.procs': '' }))).toMatchObject({ because: 'kernel-too-old' });
  expect(readPressure(cgroupOf('v2', {}))).toMatchObject({ because: 'vanished' });
});

test('PSI that is off says how to turn it on', () => {
  const off = { ...cgroupOf('v2', {}), read: (name: string) => absent(name, 'disabled', 'off') };
  expect(readPressure(off)).toMatchObject({ because: 'disabled', remedy: expect.stringContaining('psi=1') });
});
