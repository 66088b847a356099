import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { type LabRunHandle, openRun } from '../../src/lab/bench.ts';
import type { LabContainer } from '../../src/lab/lab.ts';
import { findUnmetNeed } from '../../src/lab/needs.ts';
import type { ProfileResult } from '../../src/trace/instruments/profile/result.ts';
import { cannotTrace, traceDuring } from '../support/trace.ts';

/** Code that a compiler made at run time, and the map by which it is named: Node writes a real one. */
const runs: LabRunHandle[] = [];
const planted: string[] = [];
afterEach(() => {
  for (const file of planted.splice(0)) rmSync(file, { force: true });
  for (const run of runs.splice(0)) expect(run.close()).toEqual([]);
});

const spin = `function spinHere(n) { let x = 0; for (let i = 0; i < n; i++) x = (x * 31 + i) | 0; return x; }
const end = Date.now() + 60000; let warm = 0; while (Date.now() < end) { spinHere(1e6); if (++warm === 50) console.log("ready"); }`;

/** `before` is for the shell that becomes Node, PID 1 of its namespace. */
async function start(before = ''): Promise<LabContainer> {
  const run = openRun();
  runs.push(run);
  const node = '/glassbox/node';
  const script = `${before} exec ${node} --perf-basic-prof --interpreted-frames-native-stack -e '${spin}'`;
  const container = await run.bench.container({
    name: 'jit',
    program: { kind: 'shell', script },
    binds: [{ source: process.execPath, target: node, writable: false }],
    limits: { cpuShares: 262_144 },
  });
  await container.line(/^ready$/, 20_000);
  return container;
}

/** As a compiler at run time does: nine bytes that count down from 2^31, where no file is, and a line that names them. */
const handMade = `import ctypes, mmap, os
code = bytes([0xb9, 0, 0, 0, 0x80, 0xff, 0xc9, 0x75, 0xfc, 0xc3])
page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
page.write(code)
address = ctypes.addressof(ctypes.c_char.from_buffer(page))
with open("/tmp/perf-%d.map" % os.getpid(), "w") as names: names.write("%x %x py::counts down\\n" % (address, len(code)))
print("ready", flush=True)
while True: ctypes.CFUNCTYPE(None)(address)()`;

const profileOf = (container: LabContainer): Promise<ProfileResult> =>
  traceDuring('profile', container.selector, () => sleep(700), { options: { hertz: '199' } });

/** Samples in which a function of that name was on the stack. */
const samplesIn = ({ stacks }: ProfileResult, name: RegExp): number =>
  stacks
    .filter(({ frames }) => frames.some(frame => frame.kind === 'jit' && name.test(frame.name)))
    .reduce((sum, { weight }) => sum + weight, 0);

const unable = findUnmetNeed([])?.because ?? (await cannotTrace('profile', 'ebpf'));
const skipped = unable === undefined ? '' : ` (skipped: ${unable})`;

test.skipIf(unable !== undefined)(`a function of JavaScript has its name${skipped}`, async () => {
  const container = await start();
  // By the host's number and in the host's /tmp anybody may leave one: it is not what is read.
  const decoy = `/tmp/perf-${container.init}.map`;
  writeFileSync(decoy, '0 ffffffffffff leftByTheHost\n', { flag: 'wx' });
  planted.push(decoy);
  const profile = await profileOf(container);
  expect(profile.samples).toBeGreaterThan(10);
  expect(samplesIn(profile, /spinHere/)).toBeGreaterThan(profile.samples / 2);
  expect(samplesIn(profile, /leftByTheHost/)).toBe(0);
});

const python = '/usr/bin/python3';
const withoutPython =
  unable ?? (existsSync(python) && process.arch === 'x64' ? undefined : `needs ${python}`);

test.skipIf(withoutPython !== undefined)(
  `code of any other program, by its own number in the container${withoutPython === undefined ? '' : ` (skipped: ${withoutPython})`}`,
  async () => {
    const run = openRun();
    runs.push(run);
    const container = await run.bench.container({
      name: 'jit',
      // Not PID 1: a child of it.
      program: { kind: 'shell', script: `${python} -c '${handMade}' & wait` },
      limits: { cpuShares: 262_144 },
    });
    await container.line(/^ready$/);
    const profile = await profileOf(container);
    expect(profile.samples).toBeGreaterThan(10);
    expect(samplesIn(profile, /^py::counts down$/)).toBeGreaterThan(profile.samples / 2);
  },
);

test.skipIf(unable !== undefined)(`a map that is a link is left alone${skipped}`, async () => {
  const outside = 'echo "0 ffffffffffff ledAstray" > /tmp/elsewhere; ln -s /tmp/elsewhere /tmp/perf-1.map;';
  // Node itself refuses to write through it, or writes: either way the name is a link.
  const container = await start(outside);
  const profile = await profileOf(container);
  expect(profile.samples).toBeGreaterThan(10);
  expect(samplesIn(profile, /spinHere|ledAstray/)).toBe(0);
});
