import { arch } from 'node:process';
import { absent, flatMapReading, present, type Reading } from '../reading.ts';
import { absentFromErrno, loadLibC } from './libc.ts';

/** Of perf_event_open(2), which the C library has no function for: asm/unistd_64.h, asm-generic/unistd.h. */
const callNumbers: Readonly<Partial<Record<string, number>>> = { x64: 298, arm64: 241 };

/** linux/perf_event.h: struct perf_event_attr of its seventh form (PERF_ATTR_SIZE_VER7), and what is put into it. */
const attributeSize = 128;
const software = 1;
const cpuClock = 0;
const byFrequency = 1n << 10n;
const closeOnExec = 8n;

/**
 * A clock of one CPU that ticks so many times a second of the time that the CPU is busy, whoever uses it. The open
 * descriptor is the caller's.
 */
export function openCpuClock(cpu: number, hertz: number): Reading<number> {
  const what = `a perf event of CPU ${cpu}`;
  const number = callNumbers[arch];
  if (number === undefined) return absent(what, 'kernel-too-old', `perf events are not known on ${arch}`);
  return flatMapReading(loadLibC(), libc => {
    const call = libc.library.func(
      'long syscall(long number, const void *attributes, int pid, int cpu, int group, unsigned long flags)',
    );
    const attributes = Buffer.alloc(attributeSize);
    attributes.writeUInt32LE(software, 0);
    attributes.writeUInt32LE(attributeSize, 4);
    attributes.writeBigUInt64LE(BigInt(cpuClock), 8);
    attributes.writeBigUInt64LE(BigInt(hertz), 16);
    attributes.writeBigUInt64LE(byFrequency, 40);
    const descriptor = Number(call(number, attributes, -1, cpu, -1, closeOnExec));
    return descriptor < 0 ? absentFromErrno(what, libc) : present(descriptor);
  });
}
