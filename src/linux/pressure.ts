import type { Pressure, PressureLine } from './cgroup/model.ts';
import { type KernelFiles, readParsed } from './files.ts';
import { absent, present, type Reading } from './reading.ts';
import { microseconds, parseCount } from './units.ts';

function parseLine(text: string, kind: 'some' | 'full'): PressureLine | undefined {
  const match = new RegExp(
    `^${kind} avg10=(\\d+\\.\\d+) avg60=(\\d+\\.\\d+) avg300=(\\d+\\.\\d+) total=(\\d+)`,
    'm',
  ).exec(text);
  const total = parseCount(match?.[4]);
  if (match === null || total === undefined) return undefined;
  return {
    avg10: Number(match[1]),
    avg60: Number(match[2]),
    avg300: Number(match[3]),
    total: microseconds(total),
  };
}

/**
 * /proc/pressure/{cpu,memory,io} and a cgroup's cpu.pressure, memory.pressure, io.pressure
 * (Documentation/accounting/psi.rst): `some avg10=0.42 avg60=1.90 avg300=0.80 total=9247790`, percent and µs.
 */
export function parsePressure(text: string): Pressure | undefined {
  const some = parseLine(text, 'some');
  if (some === undefined) return undefined;
  const full = parseLine(text, 'full');
  return {
    some,
    full:
      full === undefined
        ? absent('full line of cpu pressure', 'kernel-too-old', 'Linux 5.13 and later have it')
        : present(full),
  };
}

/** A pressure file at any path: without PSI the kernel has no such files, or answers EOPNOTSUPP. */
function readPressure(files: KernelFiles, path: string): Reading<Pressure> {
  const reading = readParsed(files, path, parsePressure);
  const off = !reading.present && (reading.because === 'disabled' || !files.status('/proc/pressure').present);
  return off
    ? absent(path, 'disabled', 'boot with psi=1 on a kernel 4.20 or later that has CONFIG_PSI')
    : reading;
}

/** The host's own: /proc/pressure/{cpu,memory,io}; there since 4.20, and only with psi=1 on kernels that leave it off. */
export const readHostPressure = (files: KernelFiles, resource: 'cpu' | 'memory' | 'io'): Reading<Pressure> =>
  readPressure(files, `/proc/pressure/${resource}`);
