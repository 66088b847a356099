import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type LabRunHandle, openRun } from '../../src/lab/bench.ts';
import type { LabContainer } from '../../src/lab/lab.ts';
import { findUnmetNeed } from '../../src/lab/needs.ts';
import { cannotTrace } from '../support/trace.ts';

/** What `trace` says where something is missing, and what it looks with then. Each is hidden in a mount namespace of its own. */
const main = join(import.meta.dirname, '../../src/cli/main.ts');
const unable =
  findUnmetNeed([])?.because ?? (await cannotTrace('exec', 'ebpf')) ?? (await cannotTrace('exec', 'ftrace'));
const skipped = unable === undefined ? '' : ` (skipped: ${unable})`;

let run: LabRunHandle;
let container: LabContainer;
beforeAll(async () => {
  if (unable !== undefined) return;
  run = openRun();
  container = await run.bench.container({
    name: 'traced',
    program: { kind: 'shell', script: 'echo ready; while sleep 0.1; do :; done' },
  });
  await container.line(/^ready$/);
});
afterAll(() => {
  if (unable === undefined) expect(run.close()).toEqual([]);
});

interface Said {
  readonly code: number;
  readonly output: string;
  readonly complaint: string;
}

/** The command line after `hide`, a shell's words, has taken something away. */
async function glassbox(hide: string, ...words: readonly string[]): Promise<Said> {
  const command = [process.execPath, main, 'trace', ...words];
  const child = spawn('unshare', ['--mount', 'sh', '-ec', `${hide}\nexec "$@"`, 'sh', ...command], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [output, complaint, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit'),
  ]);
  return { code, output, complaint: complaint.replaceAll(/\s+/g, ' ') };
}

const noTypes = 'mount -t tmpfs none /sys/kernel/btf';
const noTracefs =
  'umount -l /sys/kernel/tracing; ! mountpoint -q /sys/kernel/debug || umount -l /sys/kernel/debug';
const noLibrary =
  'for file in /usr/lib/*/libbpf.so.1; do mount --bind /dev/null "$(readlink -f "$file")"; done';
const locked =
  'echo "none integrity [confidentiality]" > /tmp/glassbox-lockdown.$$; mount --bind /tmp/glassbox-lockdown.$$ /sys/kernel/security/lockdown; rm /tmp/glassbox-lockdown.$$';

const instead = (why: RegExp): RegExp => new RegExp(`ebpf cannot look here, so ftrace does: ${why.source}`);

const missing: readonly (readonly [string, string, RegExp])[] = [
  ['types of the kernel (BTF)', noTypes, /.*btf.*CONFIG_DEBUG_INFO_BTF/],
  ['libbpf', noLibrary, /libbpf\.so\.1 \(disabled\): install it: apt-get install libbpf1/],
  ...(existsSync('/sys/kernel/security/lockdown')
    ? [['leave: locked down', locked, /eBPF \(disabled\): this kernel is locked down/] as const]
    : []),
];

for (const [what, hide, why] of missing)
  test.skipIf(unable !== undefined)(`without ${what}: said, and ftrace looks${skipped}`, async () => {
    const { code, output, complaint } = await glassbox(hide, 'exec', container.selector, '--for', '1s');
    expect(complaint).toMatch(instead(why));
    expect([code, output]).toEqual([0, expect.stringContaining('exec by ftrace')]);
    expect(output).toMatch(/\d+ +\/\S*\/sleep/);
  });

test.skipIf(unable !== undefined)(
  `without BTF what has one engine says why, and what to do${skipped}`,
  async () => {
    const { code, complaint } = await glassbox(noTypes, 'tcp', container.selector, '--for', '1s');
    expect(code).toBe(3);
    expect(complaint).toMatch(/tcp cannot run here: .*btf.*CONFIG_DEBUG_INFO_BTF/);
  },
);

test.skipIf(unable !== undefined)(
  `without tracefs eBPF looks, and ftrace says how to mount it${skipped}`,
  async () => {
    const seen = await glassbox(noTracefs, 'exec', container.selector, '--for', '1s');
    expect([seen.code, seen.complaint]).toEqual([0, '']);
    expect(seen.output).toContain('exec by ebpf');
    const { code, complaint } = await glassbox(noTracefs, 'exec', container.selector, '--engine', 'ftrace');
    expect([code, complaint]).toEqual([
      3,
      expect.stringContaining('tracefs (disabled). mount -t tracefs nodev /sys/kernel/tracing'),
    ]);
  },
);

test.skipIf(unable !== undefined)(`with neither: the reason of the better one${skipped}`, async () => {
  const { code, complaint } = await glassbox(`${noTypes}; ${noTracefs}`, 'exec', container.selector);
  expect([code, complaint]).toEqual([3, expect.stringMatching(/exec cannot run here: .*btf/)]);
});

test.skipIf(unable !== undefined)(`an engine that an instrument has not: why${skipped}`, async () => {
  const { code, complaint } = await glassbox(':', 'drops', container.selector, '--engine', 'ftrace');
  expect(code).toBe(3);
  expect(complaint).toMatch(/it is asked by ebpf: .*no network namespace/);
});

test.skipIf(unable !== undefined)(`not root: said with what is missing${skipped}`, async () => {
  const nobody = 'exec setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all -- "$@"';
  const { code, complaint } = await glassbox(nobody, 'exec', container.selector);
  expect(code).toBe(3);
  expect(complaint).toMatch(
    /exec cannot run here: eBPF \(not-permitted\)\. run as root \(CAP_BPF and CAP_PERFMON/i,
  );
});
