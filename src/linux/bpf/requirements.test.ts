import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { temporaryTree } from '../../../test/support/tree.ts';
import { openKernelFiles } from '../files.ts';
import { findBpf } from './requirements.ts';

/** This very process's status with other capabilities in effect: 21 is SYS_ADMIN, 38 PERFMON, 39 BPF. */
const status = (...capabilities: readonly number[]): string =>
  readFileSync('/proc/self/status', 'utf8').replace(
    /^CapEff:\t.*$/m,
    `CapEff:\t${capabilities
      .reduce((mask, number) => mask | (1n << BigInt(number)), 0n)
      .toString(16)
      .padStart(16, '0')}`,
  );

const locked = { '/sys/kernel/security/lockdown': 'none integrity [confidentiality]\n' };
const unlocked = { '/sys/kernel/security/lockdown': 'none [integrity] confidentiality\n' };

test.each([
  ['no capability', [], {}, 'eBPF', 'run as root (CAP_BPF and CAP_PERFMON, or CAP_SYS_ADMIN)'],
  ['half of what replaced SYS_ADMIN', [39], {}, 'eBPF', 'run as root'],
  ['a kernel that is locked down', [21], locked, 'eBPF', 'boot without lockdown=confidentiality'],
  ['no type information', [38, 39], unlocked, '/sys/kernel/btf/vmlinux', 'CONFIG_DEBUG_INFO_BTF'],
  ['no type information, as root', [21], {}, '/sys/kernel/btf/vmlinux', 'CONFIG_DEBUG_INFO_BTF'],
])('%s', (_, capabilities, more, what, remedy) => {
  using tree = temporaryTree({ '/proc/self/status': status(...capabilities), ...more });
  expect(findBpf(openKernelFiles(tree.root))).toMatchObject({
    present: false,
    what,
    remedy: expect.stringContaining(remedy),
  });
});
