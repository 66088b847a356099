import type { KernelFiles } from '../files.ts';
import { absent, present, type Reading } from '../reading.ts';

const path = '/sys/kernel/btf/vmlinux';

/** The kernel's own type information, by which eBPF objects fit themselves to it (Documentation/bpf/btf.rst). */
export const findTypeInformation = (files: KernelFiles): Reading<string> =>
  files.status(path).present
    ? present(path)
    : absent(path, 'disabled', 'eBPF needs a kernel with CONFIG_DEBUG_INFO_BTF');
