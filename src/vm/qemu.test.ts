import { expect, test } from 'vitest';
import { type QemuPlan, qemuArguments } from './qemu.ts';

const plan: QemuPlan = {
  kernel: '/cache/vmlinux',
  initramfs: '/cache/initramfs',
  disks: { root: '/odd,name/root.squashfs' },
  workDisk: 8,
  console: 3,
  ports: { control: 4 },
  cgroups: 'v2',
  memoryMebibytes: 512,
  cpus: 1,
  possibleCpus: 1,
  accelerator: 'tcg',
};
const after = (words: readonly string[], word: string): string | undefined => words[words.indexOf(word) + 1];

test('pure v2 is asked of the kernel, the others are made by the guest', () => {
  expect(after(qemuArguments(plan), '-append')).toContain('glassbox.cgroups=v2 cgroup_no_v1=all');
  for (const cgroups of ['v1', 'hybrid'] as const)
    expect(after(qemuArguments({ ...plan, cgroups }), '-append')).not.toContain('cgroup_no_v1');
});

test('one CPU, and as many possible ones as wished', () => {
  expect(after(qemuArguments(plan), '-smp')).toBe('1,maxcpus=1');
  expect(after(qemuArguments({ ...plan, possibleCpus: 128 }), '-smp')).toBe('1,maxcpus=128');
});

test('a second CPU is emulated beside the first', () => {
  expect(after(qemuArguments(plan), '-accel')).toBe('tcg,thread=single');
  expect(after(qemuArguments({ ...plan, cpus: 2 }), '-accel')).toBe('tcg,thread=multi');
});

test('a comma in a path is no end of an option; image disks are read-only, the work disk is not', () => {
  const drives = qemuArguments(plan).filter(word => word.startsWith('if=none'));
  expect(drives).toEqual([
    'if=none,id=root,file=/odd,,name/root.squashfs,format=raw,cache=unsafe,readonly=on',
    'if=none,id=work,file=/proc/self/fd/8,format=raw,cache=unsafe',
  ]);
});
