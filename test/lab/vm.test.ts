import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { bootVm } from '../../src/vm/boot.ts';
import { cacheDirectory } from '../../src/vm/cache.ts';
import { findMissing } from '../../src/vm/needs.ts';

const project = join(import.meta.dirname, '../..');
const missing = findMissing();
const says = (name: string): string =>
  missing === undefined ? name : `${name} (skipped: ${missing.because}; ${missing.remedy})`;
const vmTest = missing === undefined ? test : test.skip;
const directory = mkdtempSync(join(tmpdir(), 'glassbox-vm-'));
afterAll(() => rmSync(directory, { recursive: true }));

/** No test here is about speed: emulation on a busy machine takes as long as it takes. */
const limit = { timeout: 600_000 };
const timeoutMs = 300_000;

describe('virtual machine', () => {
  vmTest.each([
    ['v2', /^0::\/$/],
    ['v1', /^\d+:memory:\/$/m],
  ] as const)(
    says('%s: a command has its output, errors, exit code and files'),
    limit,
    async (cgroups, membership) => {
      const machine = await bootVm({ project, cgroups });
      try {
        const said = await run(
          machine,
          'cat /proc/self/cgroup; echo oops >&2; node -p process.version; exit 42',
        );
        expect(said).toMatchObject({ code: 42, errors: 'oops\n' });
        expect(said.output).toContain(process.version);
        expect(said.output.trim().split('\n').slice(0, -1).join('\n')).toMatch(membership);
        if (cgroups === 'v2') expect(said.output.split('\n')).toHaveLength(3);
        expect(await run(machine, 'stat -f -c %T /var/lib/glassbox')).toMatchObject({
          output: 'ext2/ext3\n',
        });
        await run(machine, 'mkdir /tmp/out; head -c 300000 /dev/zero >/tmp/out/zeros');
        await machine.fetch('/tmp/out', join(directory, cgroups));
        expect(readFileSync(join(directory, cgroups, 'zeros'))).toEqual(Buffer.alloc(300_000));
        await expect(machine.fetch('/nowhere', directory)).rejects.toThrow('no directory /nowhere');
      } finally {
        await machine.close();
      }
    },
  );

  vmTest(says('a command that does not end is told with what the kernel said last'), limit, async () => {
    const machine = await bootVm({ project, cgroups: 'v2', memoryMebibytes: 512 });
    await run(machine, 'echo "<1>last words" >/dev/kmsg');
    const hung = machine.run('sleep 1000', { timeoutMs: 2000 });
    await expect(hung).rejects.toMatchObject({
      message: expect.stringContaining('its command did not end within 2 s'),
      lastLines: expect.arrayContaining([expect.stringContaining('last words')]),
    });
    await machine.close();
  });

  vmTest(says('a kernel that stops ends the command at once'), limit, async () => {
    const machine = await bootVm({ project, cgroups: 'v2', memoryMebibytes: 512 });
    await expect(machine.run('echo c >/proc/sysrq-trigger', { timeoutMs })).rejects.toMatchObject({
      lastLines: expect.arrayContaining([expect.stringMatching(/panic/i)]),
    });
    await machine.close();
  });

  vmTest(says('SIGKILL leaves no machine and no file'), limit, async () => {
    const module = join(project, 'src/vm/boot.ts');
    const script = `import { bootVm } from ${JSON.stringify(module)};
      await bootVm({ project: ${JSON.stringify(project)}, cgroups: 'v2', memoryMebibytes: 512 });
      console.log('booted'); setInterval(() => {}, 1000);`;
    const owner = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await new Promise<void>(resolve => owner.stdout.on('data', () => resolve()));
    const machine = childOf(owner);
    expect(readFileSync(`/proc/${machine}/cmdline`, 'utf8')).toContain('qemu-system');
    owner.kill('SIGKILL');
    await expect.poll(() => isRunning(machine), { timeout: 20_000 }).toBe(false);
    expect(readdirSync(cacheDirectory(project)).filter(name => name.startsWith('disk-'))).toEqual([]);
  });
});

async function run(machine: Awaited<ReturnType<typeof bootVm>>, script: string) {
  const said = { output: '', errors: '' };
  const code = await machine.run(script, {
    timeoutMs,
    onOutput: chunk => {
      said.output += chunk;
    },
    onErrors: chunk => {
      said.errors += chunk;
    },
  });
  return { code, ...said };
}

function childOf({ pid }: ChildProcess): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0]);
}

/** A zombie has ended; whose child it is now may not have looked yet. */
function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
