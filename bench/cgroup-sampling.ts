import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { removeCgroupSync } from '../src/lab/cgroup-removal.ts';
import { parseCpuThrottling } from '../src/linux/cgroup/cpu.ts';
import { createCgroup, everyDirectory } from '../src/linux/cgroup/create.ts';
import { parseSingleCount } from '../src/linux/cgroup/flat-keyed.ts';
import { detectLayout, locateKernel } from '../src/linux/cgroup/layout.ts';
import { parseMemoryStatV1, parseMemoryStatV2 } from '../src/linux/cgroup/memory-stat.ts';
import { parseOomControl } from '../src/linux/cgroup/memory-v1.ts';
import { parseMemoryEvents } from '../src/linux/cgroup/memory-v2.ts';
import type { CgroupLayout, Controller } from '../src/linux/cgroup/model.ts';
import { openCgroup } from '../src/linux/cgroup/read.ts';
import { openCgroupWriter } from '../src/linux/cgroup/write.ts';
import { openKernelFiles } from '../src/linux/files.ts';
import { parsePressure } from '../src/linux/pressure.ts';
import { present, type Reading } from '../src/linux/reading.ts';
import { createSampler, type Sampler } from '../src/linux/sampler.ts';
import { bytes, type CgroupPath, cgroupPath, parseNanosecondsAsMicroseconds } from '../src/linux/units.ts';
import { type BenchRow, benchRow, median } from './row.ts';

const cgroupCount = 1000;
const rounds = 15;
const budget = 1.5;
const measured = ['memory', 'cpu', 'pids'] as const satisfies readonly Controller[];
const kernelMemory = present(bytes(0));

type Parse = (text: string) => unknown;
/** The six files that say most about a container, with what the readers do to their texts. */
const sixFiles: Readonly<Record<'v1' | 'v2', readonly (readonly [Controller, string, Parse])[]>> = {
  v1: [
    ['memory', 'memory.usage_in_bytes', parseSingleCount],
    ['memory', 'memory.stat', text => parseMemoryStatV1(text, kernelMemory)],
    ['memory', 'memory.oom_control', parseOomControl],
    ['cpu', 'cpu.stat', parseCpuThrottling],
    ['cpu', 'cpuacct.usage', text => parseNanosecondsAsMicroseconds(text.trim())],
    ['pids', 'pids.current', parseSingleCount],
  ],
  v2: [
    ['memory', 'memory.current', parseSingleCount],
    ['memory', 'memory.stat', parseMemoryStatV2],
    ['memory', 'memory.events', parseMemoryEvents],
    ['cpu', 'cpu.stat', parseCpuThrottling],
    ['cpu', 'cpu.pressure', parsePressure],
    ['pids', 'pids.current', parseSingleCount],
  ],
};

/**
 * 1,000 cgroups, read and parsed through kept descriptors, against a C program that only reads the same files
 * (cgroup-sampling.c). CPU time, since other work on the machine must not count; the two take turns.
 */
export async function bench(): Promise<BenchRow[]> {
  const layout = required(detectLayout(openKernelFiles()));
  const base = cgroupPath(`/glassbox-bench-${process.pid}`);
  const work = mkdtempSync(join(tmpdir(), 'glassbox-bench-'));
  const sampler = createSampler();
  try {
    const program = join(work, 'cgroup-sampling');
    execFileSync('cc', ['-O2', '-o', program, join(import.meta.dirname, 'cgroup-sampling.c')]);
    const paths = makeCgroups(layout, base);
    return [await compare(program, sixOfEach(layout, paths, sampler))];
  } finally {
    sampler.close();
    rmSync(work, { recursive: true });
    for (const directory of everyDirectory(layout, base, measured))
      if (!removeCgroupSync(directory)) console.error(`bench: ${directory} is left behind`);
  }
}

function makeCgroups(layout: CgroupLayout, base: string): readonly CgroupPath[] {
  const writer = openCgroupWriter();
  const paths = Array.from({ length: cgroupCount }, (_, index) => cgroupPath(`${base}/container-${index}`));
  for (const path of paths) required(createCgroup(writer, layout, path, measured));
  return paths;
}

interface Subject {
  /** What one round reads, for the reference to read the same. */
  readonly files: readonly string[];
  round(): void;
}

function sixOfEach(layout: CgroupLayout, paths: readonly CgroupPath[], sampler: Sampler): Subject {
  const work = paths.flatMap(path =>
    measured.flatMap(controller => {
      const { directory, version } = required(openCgroup(openKernelFiles(), layout, controller, path));
      const accounting = locateKernel(layout, 'cpuacct', path) ?? directory;
      return sixFiles[version]
        .filter(([of]) => of === controller)
        .map(([, name, parse]) => ({
          file: `${name.startsWith('cpuacct.') ? accounting : directory}/${name}`,
          parse,
        }));
    }),
  );
  const sampled = work.map(({ file, parse }) => ({ file: sampler.file(file), parse }));
  return {
    files: work.map(({ file }) => file),
    round: () => {
      for (const { file, parse } of sampled)
        if (parse(required(file.read())) === undefined) throw new Error('a file without the value');
    },
  };
}

async function compare(program: string, { files, round }: Subject): Promise<BenchRow> {
  const reference = spawn(program, { stdio: ['pipe', 'pipe', 'inherit'] });
  const answers = createInterface({ input: reference.stdout })[Symbol.asyncIterator]();
  reference.stdin.write(`${files.join('\n')}\n\n`);
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let turn = 0; turn < rounds; turn++) {
    reference.stdin.write('go\n');
    const answer = await answers.next();
    if (answer.done) throw new Error(`${program} ended early`);
    theirs.push(Number(answer.value.split(' ')[0]) / 1e6);
    const before = process.cpuUsage();
    round();
    const { user, system } = process.cpuUsage(before);
    ours.push((user + system) / 1e3);
  }
  reference.stdin.end();
  return benchRow({
    name: 'sampling 1,000 cgroups × 6 files / C with kept descriptors',
    ours: median(ours),
    reference: median(theirs),
    budget,
    unit: 'ms CPU',
  });
}

function required<T>(reading: Reading<T>): T {
  if (reading.present) return reading.value;
  throw new Error(`${reading.what}: ${reading.remedy}`);
}

if (import.meta.main) console.table(await bench());
