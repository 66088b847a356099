import { closeSync } from 'node:fs';
import type { BpfObject } from '../../../linux/bpf/object.ts';
import { parseCpuList } from '../../../linux/cpulist.ts';
import type { KernelFiles } from '../../../linux/files.ts';
import { absent, present, type Reading } from '../../../linux/reading.ts';
import { openCpuClock } from '../../../linux/syscalls/perf-event.ts';
import { runEbpf } from '../../ebpf.ts';
import type { Instrument, TraceRun } from '../../instrument.ts';
import { findPerf } from '../../perf/read.ts';
import { openStackReader, type StackKey } from '../../stacks.ts';
import { profileExports } from './exports.ts';
import { runProfileByPerf } from './record.ts';
import { profileFromFile } from './recorded.ts';
import type { ProfileResult } from './result.ts';
import { summarize } from './summarize.ts';
import { view } from './view.ts';

/** Not 100: a clock in step with the kernel's own would always see the same. */
const usualHertz = '99';

export const instrument: Instrument<ProfileResult> = {
  name: 'profile',
  question: 'Which functions use the CPU, in the programs and in the kernel?',
  unit: 'samples',
  kind: 'profile',
  cost: 'a stack 99 times a second on each CPU that the container uses; below 1 %',
  example: 'glassbox trace profile web-1 --for 10s -o web-1.svg',
  engines: [
    { engine: 'ebpf', tracepoints: [] },
    { engine: 'perf', tracepoints: [], also: findPerf },
  ],
  options: [
    {
      flags: '--hertz <number>',
      describes: 'samples a second on each CPU',
      default: usualHertz,
      check: text =>
        /^\d+$/.test(text) && Number(text) >= 1 && Number(text) <= 4999
          ? undefined
          : 'It is a whole number from 1 to 4999, like 99.',
    },
  ],
  run: runProfile,
  fromFile: profileFromFile,
  view,
  exports: profileExports,
};

async function runProfile(run: TraceRun<ProfileResult>): Promise<Reading<ProfileResult>> {
  const hertz = Number(run.options.hertz ?? usualHertz);
  if (run.engine === 'perf') return runProfileByPerf(run, hertz);
  return runEbpf(run, {
    object: new URL('./profile.bpf.o', import.meta.url),
    attach: [],
    attachMore: object => attachClocks(run.files, object, hertz),
    gather: object => {
      const reader = openStackReader(run.files, object.map('stacks'));
      return {
        event: reader.announced,
        result: base => {
          const counts = object.map('counts').all().map(decode);
          return summarize(
            base,
            { event: 'cpu-clock', hertz },
            counts.map(({ key, weight }) => ({
              process: reader.nameOf(key.process, key.program),
              frames: reader.framesOf(key),
              weight,
            })),
            reader.lost(),
          );
        },
      };
    },
  });
}

function attachClocks(files: KernelFiles, object: BpfObject, hertz: number): Reading<true> {
  const path = '/sys/devices/system/cpu/online';
  const text = files.read(path);
  if (!text.present) return text;
  const cpus = parseCpuList(text.value.trim());
  if (cpus === undefined) return absent(path, 'unreadable', `${path} is not in the documented form`);
  for (const cpu of cpus) {
    const clock = openCpuClock(cpu, hertz);
    if (!clock.present) return clock;
    const attached = object.attachToPerfEvent('on_sample', clock.value);
    if (!attached.present) {
      closeSync(clock.value);
      return attached;
    }
  }
  return present(true);
}

/** `struct key` and the count of profile.bpf.c. */
function decode([key, value]: readonly [Buffer, Buffer]): { key: StackKey; weight: number } {
  return {
    key: {
      process: key.readUInt32LE(0),
      program: key.readUInt32LE(4),
      kernel: key.readInt32LE(8),
      user: key.readInt32LE(12),
    },
    weight: Number(value.readBigUInt64LE(0)),
  };
}
