import { chownSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type OciConfig, runCrun } from '../support/engines/crun.ts';
import { type Dockerd, startDockerd } from '../support/engines/dockerd.ts';
import { whyNot } from '../support/engines/programs.ts';
import { runUnshare } from '../support/engines/unshare.ts';
import { foundIn, foundSoon } from '../support/found-in.ts';

/** Four ways to be refused that a program cannot tell apart, and what a refusal leaves behind without a trace. */
const deep = ['capabilities', 'seccomp'] as const;
const refusals = ['security/capability-missing', 'security/seccomp-denied'] as const;
const again = (command: string): readonly string[] => [
  'sh',
  '-c',
  `while :; do ${command}; sleep 0.05; done`,
];

const refusedIn = async (selector: string): Promise<readonly string[]> => {
  const found = await foundIn(selector, {}, deep);
  return refusals.filter(id => found.get(id) !== undefined);
};

const refusing =
  (names: readonly string[], action: string, flags: readonly string[] = []) =>
  ({ linux, root }: OciConfig): void => {
    linux.seccomp = { defaultAction: 'SCMP_ACT_ALLOW', flags, syscalls: [{ names, action }] };
    root.readonly = false;
  };

const withoutCrun = whyNot('crun', 'busybox', 'setpriv', 'unshare');

describe.skipIf(withoutCrun !== undefined)(
  `refused${withoutCrun === undefined ? '' : ` (skipped: ${withoutCrun})`}`,
  () => {
    test('by a filter', async () => {
      await using box = await runCrun(again('mkdir /tmp/d'), {
        tune: refusing(['mkdir', 'mkdirat'], 'SCMP_ACT_ERRNO'),
      });
      await foundSoon('security/seccomp-denied', box.id, {}, deep);
      expect(await refusedIn(box.id)).toEqual(['security/seccomp-denied']);
    });

    test('for want of a capability', async () => {
      await using box = await runCrun(again('touch /tmp/f; chown 1:1 /tmp/f'), {
        tune: ({ root }) => {
          root.readonly = false;
        },
      });
      await foundSoon('security/capability-missing', box.id, {}, deep);
      expect(await refusedIn(box.id)).toEqual(['security/capability-missing']);
    });

    test('by the owner and mode of a file, which is no want of a capability', async () => {
      await using box = await runCrun(again('cat /secret; chmod 0 /secret'), {
        tune: ({ root, process }) => {
          root.readonly = false;
          process.user = { uid: 1000, gid: 1000 };
          process.capabilities = {
            ...{ bounding: [], effective: [], permitted: [], inheritable: [], ambient: [] },
          };
        },
      });
      writeFileSync(join(tmpdir(), box.id, 'rootfs/secret'), 'x', { mode: 0o600 });
      expect(await refusedIn(box.id)).toEqual([]);
    });

    test('by a mapping that does not know the owner: root inside has the capability, and it does not count', async () => {
      const directory = mkdtempSync(join(tmpdir(), 'glassbox-unmapped-'));
      try {
        const file = join(directory, 'secret');
        writeFileSync(file, 'x', { mode: 0o600 });
        chownSync(file, 74705, 74705);
        await using box = await runUnshare(again(`cat ${file} && exit`), [
          '--user',
          '--map-root-user',
          '--pid',
          '--mount-proc',
          '--mount',
        ]);
        expect(readFileSync(`/proc/${box.init}/status`, 'utf8')).toMatch(/^CapEff:\s+0*1[0-9a-f]{8,}$/m);
        expect(await refusedIn(`pid:${box.init}`)).toEqual([]);
      } finally {
        rmSync(directory, { recursive: true });
      }
    });

    test('by a filter that logs: the kernel log is proof without a trace', async () => {
      // kill is a builtin: the shell itself is refused, and lives on.
      const script = 'kill -0 $$; kill -0 $$; trap "exit 0" TERM; sleep 300 & wait';
      await using box = await runCrun(['sh', '-c', script], {
        tune: refusing(['kill'], 'SCMP_ACT_ERRNO', ['SECCOMP_FILTER_FLAG_LOG']),
      });
      const found = await foundSoon('security/seccomp-denied', box.id);
      expect(found).toMatchObject({ severity: 'warning', certainty: 'proved' });
      expect(found.summary).toContain('By the kernel log its seccomp filter answered kill() of "sh"');
      expect(found.evidence[0]?.source).toBe('kernel log, type=1326');
    });
  },
);

const withoutDocker = whyNot('dockerd', 'docker', 'containerd', 'runc', 'busybox', 'setpriv', 'tar');

describe.skipIf(withoutDocker !== undefined)(
  `Docker${withoutDocker === undefined ? '' : ` (skipped: ${withoutDocker})`}`,
  () => {
    let daemon: Dockerd;
    beforeAll(async () => {
      daemon = await startDockerd();
    });
    afterAll(() => daemon?.[Symbol.asyncDispose]());

    test('a container that its filter killed, after it is gone', async () => {
      const profile = join(tmpdir(), `glassbox-killing-${process.pid}.json`);
      const syscalls = [{ names: ['sethostname'], action: 'SCMP_ACT_KILL_PROCESS' }];
      writeFileSync(profile, JSON.stringify({ defaultAction: 'SCMP_ACT_ALLOW', syscalls }));
      try {
        const options = ['--name', 'gb-killed', '--security-opt', `seccomp=${profile}`];
        await daemon.start(options, ['sh', '-c', 'exec hostname other']);
        await daemon.docker('wait', 'gb-killed');
        const found = await foundSoon('security/seccomp-denied', 'gb-killed', daemon.environment);
        expect(found).toMatchObject({ severity: 'critical', certainty: 'likely' });
        expect(found.summary).toContain('sethostname() of "hostname" with the end of the process');
      } finally {
        rmSync(profile);
        await daemon.docker('rm', '--force', 'gb-killed');
      }
    });
  },
);
