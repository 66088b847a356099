import { parsePressure } from '../pressure.ts';
import { absent, parsed, present, type Reading } from '../reading.ts';
import type { CgroupDirectory } from './directory.ts';
import type { Pressure, PressureSample } from './model.ts';

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
