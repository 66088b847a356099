import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { capabilityName } from '../../src/linux/capabilities.ts';
import { openKernelFiles } from '../../src/linux/files.ts';
import { readStatus } from '../../src/linux/proc/status.ts';
import { runCrun } from '../support/engines/crun.ts';
import { type Dockerd, startDockerd } from '../support/engines/dockerd.ts';
import { whyNot } from '../support/engines/programs.ts';
import { runUnshare } from '../support/engines/unshare.ts';
import { alarmsIn, foundIn, foundSoon } from '../support/found-in.ts';

/** The rules of module security on containers that no lab made. */
const idle = 'trap "exit 0" TERM; sleep 300 & wait';

/** What this machine's root may hand out, of those that Docker 20.10 knows; less on a hardened one. */
function everyCapability(): string[] {
  const own = readStatus(openKernelFiles(), 'self');
  const bounding = own.present ? own.value.capabilities.bounding : [];
  return bounding.filter(number => number <= 37).map(number => `CAP_${capabilityName(number)}`);
}

/** runc refuses to give what root itself lacks, so on a hardened machine the parts of --privileged stand for it. */
const privileged =
  everyCapability().length === 38
    ? ['--privileged']
    : [
        ...everyCapability().flatMap(name => ['--cap-add', name]),
        ...['--security-opt', 'seccomp=unconfined', '--device-cgroup-rule', 'a *:* rwm'],
      ];

const withoutDocker = whyNot('dockerd', 'docker', 'containerd', 'runc', 'busybox', 'setpriv', 'tar');

describe.skipIf(withoutDocker !== undefined)(
  `Docker${withoutDocker === undefined ? '' : ` (skipped: ${withoutDocker})`}`,
  () => {
    let daemon: Dockerd;
    beforeAll(async () => {
      daemon = await startDockerd();
    });
    afterAll(() => daemon?.[Symbol.asyncDispose]());
    const start = (name: string, options: readonly string[], script = idle) =>
      daemon.start(
        ['--name', name, '--memory', '64m', '--pids-limit', '64', ...options],
        ['sh', '-c', script],
      );

    test('privileged; as another user only what an exec could gain; neither in an ordinary one', async () => {
      await start('gb-privileged', privileged);
      await start('gb-heir', [...privileged, '--user', '1000']);
      await start('gb-ordinary', []);
      const found = await foundSoon('security/privileged', 'gb-privileged', daemon.environment);
      expect(found).toMatchObject({ severity: 'warning', certainty: 'proved' });
      expect(found.fixes[0]?.command).toMatch(/^docker run --cap-drop ALL /);
      expect(await foundSoon('security/privileged', 'gb-heir', daemon.environment)).toMatchObject({
        severity: 'notice',
      });
      expect([...(await foundIn('gb-ordinary', daemon.environment)).keys()]).not.toContain(
        'security/privileged',
      );
      expect(await alarmsIn('gb-ordinary', daemon.environment)).toEqual([]);
      await daemon.docker('rm', '--force', 'gb-privileged', 'gb-heir', 'gb-ordinary');
    });

    test('two under one uid share RLIMIT_NPROC, though the pids cgroups have room', async () => {
      const limits = ['--ulimit', 'nproc=20', '--cap-drop', 'ALL'];
      const taking = (count: number): string =>
        `trap "exit 0" TERM; i=0; while [ $i -lt ${count} ]; do sleep 300 & i=$((i + 1)); done; wait $!`;
      await start('gb-first', [...limits, '--user', '74701'], taking(16));
      await start('gb-second', [...limits, '--user', '74701'], taking(2));
      await start('gb-apart', [...limits, '--user', '74702'], taking(2));
      const found = await foundSoon('security/uid-limits-shared', 'gb-second', daemon.environment);
      expect(found).toMatchObject({ severity: 'warning', certainty: 'proved' });
      expect(found.summary).toContain('gb-first 17');
      expect(await alarmsIn('gb-apart', daemon.environment)).toEqual([]);
      await daemon.docker('rm', '--force', 'gb-first', 'gb-second', 'gb-apart');
    });
  },
);

const withoutCrun = whyNot('crun', 'busybox', 'setpriv');

describe.skipIf(withoutCrun !== undefined)(
  `crun${withoutCrun === undefined ? '' : ` (skipped: ${withoutCrun})`}`,
  () => {
    test('every capability by the configuration is privileged, its own three are not', async () => {
      const names = everyCapability();
      await using full = await runCrun(['sh', '-c', idle], {
        tune: ({ process }) => {
          process.noNewPrivileges = false;
          for (const set of ['bounding', 'effective', 'permitted'] as const)
            process.capabilities[set] = names;
        },
      });
      await using plain = await runCrun(['sh', '-c', idle]);
      const found = await foundSoon('security/privileged', full.id);
      expect(found).toMatchObject({ severity: 'warning', certainty: 'proved' });
      expect([...(await foundIn(plain.id)).keys()]).not.toContain('security/privileged');
    });
  },
);

const withoutUnshare = whyNot('unshare', 'setpriv');

describe.skipIf(withoutUnshare !== undefined)(
  `no engine${withoutUnshare === undefined ? '' : ` (skipped: ${withoutUnshare})`}`,
  () => {
    test('unshare drops nothing; with a user namespace its capabilities end there', async () => {
      await using open = await runUnshare(['sh', '-c', idle]);
      await using mapped = await runUnshare(
        ['sh', '-c', idle],
        ['--user', '--map-root-user', '--pid', '--mount-proc', '--mount'],
      );
      expect(await foundSoon('security/privileged', `pid:${open.init}`)).toMatchObject({
        severity: 'warning',
      });
      expect([...(await foundIn(`pid:${mapped.init}`)).keys()]).not.toContain('security/privileged');
    });

    test('inotify instances of one uid, taken by another container', async context => {
      const lacking = whyNot('perl');
      if (lacking !== undefined) context.skip(lacking);
      const inotifyInit = process.arch === 'x64' ? 294 : 26;
      const taking = (count: number, uid = 74703): readonly string[] => [
        ...['setpriv', '--reuid', `${uid}`, '--regid', `${uid}`, '--clear-groups', '--no-new-privs', '--'],
        ...[
          'perl',
          '-e',
          `syscall(${inotifyInit}, 0) for 1 .. ${count}; $SIG{TERM} = sub { exit }; sleep 300`,
        ],
      ];
      const limit = Number(readFileSync('/proc/sys/fs/inotify/max_user_instances', 'utf8'));
      if (limit > 1024) context.skip(`this host allows ${limit} inotify instances`);
      await using most = await runUnshare(taking(limit - 10));
      await using rest = await runUnshare(taking(20));
      await using apart = await runUnshare(taking(20, 74704));
      const found = await foundSoon('security/uid-limits-shared', `pid:${rest.init}`);
      expect(found.summary).toContain(`has ${limit} in all`);
      expect(found.evidence[1]?.observed).toMatch(new RegExp(`its own 10, .* ${limit - 10}$`));
      expect([...(await foundIn(`pid:${apart.init}`)).keys()]).not.toContain('security/uid-limits-shared');
      expect(most.init).toBeGreaterThan(1);
    });
  },
);
