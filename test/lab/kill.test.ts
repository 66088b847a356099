import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect } from 'vitest';
import { openRun } from '../../src/lab/bench.ts';
import { cleanAbandoned } from '../../src/lab/undo.ts';
import { labTest } from './as-root.ts';
import { remainsOf } from './remains.ts';

const rounds = Number(process.env.GLASSBOX_KILL_ROUNDS ?? 24);
const seed = Number(process.env.GLASSBOX_KILL_SEED ?? Date.now() % 1_000_000);
const target = new URL('./programs/run-to-kill.ts', import.meta.url).pathname;

let places = '';
beforeAll(() => {
  places = mkdtempSync(join(tmpdir(), 'glassbox-kill-'));
  process.env.GLASSBOX_RUN_DIR = join(places, 'run');
  process.env.GLASSBOX_STATE_DIR = join(places, 'state');
});
afterAll(() => {
  delete process.env.GLASSBOX_RUN_DIR;
  delete process.env.GLASSBOX_STATE_DIR;
  rmSync(places, { recursive: true, force: true });
});

/** mulberry32: the same moments again for the same seed. */
function random(state: number): () => number {
  let a = state;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

interface Started {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly printed: () => string;
  /** Exit code and signal. Listened for from the start: it may end before anybody waits. */
  readonly closed: Promise<readonly unknown[]>;
}

function start(...args: readonly string[]): Started {
  const child = spawn(process.execPath, [target, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let printed = '';
  const add = (chunk: string): void => {
    printed += chunk;
  };
  child.stdout.setEncoding('utf8').on('data', add);
  child.stderr.setEncoding('utf8').on('data', add);
  return { child, pid: child.pid ?? -1, printed: () => printed, closed: once(child, 'close') };
}

async function untilPrinted({ child, printed }: Started, text: string): Promise<void> {
  while (!printed().includes(text)) {
    if (child.exitCode !== null) throw new Error(`it ended early: ${printed()}`);
    await sleep(5);
  }
}

/** What run-to-kill.ts prints, in this order; each begins a part of the run in which it is killed. */
const parts = ['begin', 'running', 'stopping', 'closing', 'closed'] as const;

/** How long each part takes here and now, ms. */
async function measureParts(): Promise<readonly number[]> {
  const whole = start('86400.5');
  const times: number[] = [];
  for (const part of parts) {
    await untilPrinted(whole, part);
    times.push(performance.now());
  }
  await whole.closed;
  expect(whole.printed()).toContain('closed []');
  return times.slice(1).map((time, index) => time - (times[index] ?? time));
}

labTest('nothing is left after a SIGKILL at any moment and a clean', async () => {
  const next = random(seed);
  const living = openRun();
  try {
    const container = await living.bench.container({
      name: 'living',
      program: { kind: 'shell', script: 'while read line; do echo "heard $line"; done' },
    });
    const durations = await measureParts();
    for (let round = 0; round < rounds; round += 1) {
      const part = round % durations.length;
      await killOnce(round, parts[part] ?? 'begin', next() * Math.max(5, durations[part] ?? 0));
    }
    console.log(`random kills: seed ${seed}, ${rounds} rounds over parts of ${durations.map(Math.round)} ms`);
    container.say('a living run is not touched');
    expect(await container.line(/^heard/)).toBe('heard a living run is not touched');
  } finally {
    expect(living.close()).toEqual([]);
  }
  expect(remainsOf(process.pid, 'no marker')).toEqual([]);
});

async function killOnce(round: number, part: string, ms: number): Promise<void> {
  const marker = `86400.${seed}${round}`;
  const victim = start(marker);
  await untilPrinted(victim, part);
  await sleep(ms);
  victim.child.kill('SIGKILL');
  await victim.closed;
  const { left } = cleanAbandoned();
  const said = `seed ${seed}, round ${round}, killed ${ms.toFixed(1)} ms after "${part}"`;
  expect({ left, remains: remainsOf(victim.pid, marker) }, said).toEqual({ left: [], remains: [] });
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  labTest(`${signal} takes everything down before the process ends by it`, async () => {
    const marker = `86400.7${signal.length}${seed}`;
    const victim = start(marker, 'wait');
    await untilPrinted(victim, 'running');
    victim.child.kill(signal);
    const [, by] = await victim.closed;
    expect(by).toBe(signal);
    expect(remainsOf(victim.pid, marker)).toEqual([]);
  });
}

labTest('an exception takes everything down', async () => {
  const marker = `86400.9${seed}`;
  const victim = start(marker, 'throw');
  const [code] = await victim.closed;
  expect(code).toBe(1);
  expect(victim.printed()).toContain('as the test wants it');
  expect(remainsOf(victim.pid, marker)).toEqual([]);
});
