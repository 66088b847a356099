import { absent, parsed, present, type Reading } from '../reading.ts';
import { microseconds } from '../units.ts';
import type { CgroupDirectory } from './directory.ts';
import type { Pressure, PressureLine, PressureSample } from './model.ts';

/** cpu.pressure, memory.pressure, io.pressure of a cgroup2 directory (Documentation/accounting/psi.rst). */
export function readPressure(cgroup: CgroupDirectory): Reading<PressureSample> {
  const sample = {
    cpu: readOne(cgroup, 'cpu.pressure'),
    memory: readOne(cgroup, 'memory.pressure'),
    io: readOne(cgroup, 'io.pressure'),
  };
  return sample.cpu.present || sample.memory.present || sample.io.present ? present(sample) : sample.cpu;
}

function readOne(cgroup: CgroupDirectory, name: string): Reading<Pressure> {
  const text = cgroup.read(name);
  if (text.present) return parsed(name, parsePressure(text.value));
  if (text.because === 'disabled')
    return absent(text.what, 'disabled', 'boot with psi=1, or write 1 to cgroup.pressure (Linux 6.1)');
  if (text.because === 'vanished' && cgroup.read('cgroup.procs').present)
    return absent(text.what, 'kernel-too-old', 'needs Linux 4.20 with CONFIG_PSI and psi=1');
  return text;
}

/** `some avg10=0.00 avg60=0.22 avg300=0.64 total=8839344` and the same for `full`: percent, and µs. */
export function parsePressure(text: string): Pressure | undefined {
  const lines = text.split('\n');
  const line = (kind: 'some' | 'full'): PressureLine | undefined => {
    const found = lines.find(candidate => candidate.startsWith(`${kind} `));
    return found === undefined ? undefined : parsePressureLine(found);
  };
  const some = line('some');
  if (some === undefined) return undefined;
  const full = line('full');
  return {
    some,
    full:
      full === undefined
        ? absent('the full line of cpu.pressure', 'kernel-too-old', 'needs Linux 5.13')
        : present(full),
  };
}

const form = /^\w+ avg10=(\d+(?:\.\d+)?) avg60=(\d+(?:\.\d+)?) avg300=(\d+(?:\.\d+)?) total=(\d{1,16})\b/;

function parsePressureLine(text: string): PressureLine | undefined {
  const match = form.exec(text);
  if (match === null) return undefined;
  const [avg10 = 0, avg60 = 0, avg300 = 0, total = 0] = match.slice(1).map(Number);
  return { avg10, avg60, avg300, total: microseconds(total) };
}
