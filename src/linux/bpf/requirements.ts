import { capabilityNumber } from '../capabilities.ts';
import type { KernelFiles } from '../files.ts';
import { readStatus } from '../proc/status.ts';
import { absent, flatMapReading, present, type Reading } from '../reading.ts';
import { loadLibC } from '../syscalls/libc.ts';
import { findTypeInformation } from './btf.ts';
import { functionKind } from './function-types.ts';
import { loadLibBpf, type Pointer } from './libbpf.ts';

/** Whether eBPF tracing programs can run here, and if not, what is missing: the first thing that has to change. */
export function findBpf(files: KernelFiles): Reading<'libbpf.so.1'> {
  const refused = checkPrivilege(files, 'eBPF', 'BPF', 'PERFMON') ?? checkLockdown(files);
  if (refused !== undefined) return refused;
  return flatMapReading(findTypeInformation(files), () =>
    flatMapReading(loadLibC(), libc =>
      flatMapReading(loadLibBpf(libc), () => present('libbpf.so.1' as const)),
    ),
  );
}

/** Linux 5.8 split CAP_BPF and CAP_PERFMON off CAP_SYS_ADMIN, which still is enough. */
export function checkPrivilege(
  files: KernelFiles,
  what: string,
  ...names: readonly string[]
): Reading<never> | undefined {
  const status = readStatus(files, 'self');
  if (!status.present) return status;
  const has = (name: string): boolean => {
    const number = capabilityNumber(name);
    return number !== undefined && status.value.capabilities.effective.includes(number);
  };
  if (has('SYS_ADMIN') || names.every(has)) return undefined;
  const capabilities = names.map(name => `CAP_${name}`).join(' and ');
  return absent(what, 'not-permitted', `run as root (${capabilities}, or CAP_SYS_ADMIN)`);
}

/** `none [integrity] confidentiality`: the last one forbids reading kernel memory, which every program does. */
function checkLockdown(files: KernelFiles): Reading<never> | undefined {
  const lockdown = files.read('/sys/kernel/security/lockdown');
  return lockdown.present && lockdown.value.includes('[confidentiality]')
    ? absent('eBPF', 'disabled', 'this kernel is locked down: boot without lockdown=confidentiality')
    : undefined;
}

/** BTF_KIND_ENUM and BTF_KIND_TYPEDEF of include/uapi/linux/btf.h. */
const enumKind = 6;
const typedefKind = 8;

let types: Pointer | undefined;
const known = new Map<string, boolean>();

function hasType(name: string, kind: number): Reading<boolean> {
  return flatMapReading(loadLibC(), libc =>
    flatMapReading(loadLibBpf(libc), bpf => {
      types ??= bpf.loadKernelTypes();
      const key = `${kind} ${name}`;
      const has = known.get(key) ?? (types !== null && bpf.findType(types, name, kind) > 0);
      known.set(key, has);
      return present(has);
    }),
  );
}

/** Every tracepoint has a type of its own in BTF, `btf_trace_sched_switch`, by which tp_btf programs find it. */
export function hasTracepoints(names: readonly string[]): Reading<true> {
  for (const name of names) {
    const reading = hasType(`btf_trace_${name}`, typedefKind);
    if (!reading.present) return reading;
    if (!reading.value)
      return absent(`the tracepoint ${name}`, 'kernel-too-old', 'this kernel has not got it');
  }
  return present(true);
}

/** Whether the kernel knows an enumeration: some tell what a tracepoint has learned since. */
export const hasEnum = (name: string): Reading<boolean> => hasType(name, enumKind);

/** A kernel function that fentry and fexit may attach to, where this kernel lets them. */
export const hasFunction = (name: string): Reading<boolean> => hasType(name, functionKind);
