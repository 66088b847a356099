import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { capabilityName } from '../../src/linux/capabilities.ts';
import { openKernelFiles } from '../../src/linux/files.ts';
import { readStatus } from '../../src/linux/proc/status.ts';
import { runCrun } from '../support/engines/crun.ts';
import { busyboxImage, type Dockerd, startDockerd } from '../support/engines/dockerd.ts';
import { whyNot } from '../support/engines/programs.ts';
import { runUnshare } from '../support/engines/unshare.ts';
import { alarmsIn, foundIn, foundSoon } from '../support/found-in.ts';

/** The rules of module security on containers that no lab made. */
const deep = ['capabilities', 'exec', 'seccomp'] as const;
const busy = 'trap "exit 0" TERM; while :; do sleep 0.05 & wait $!; done';
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

/** What a container of Docker printed, once it has. */
async function untilLogged(daemon: Dockerd, name: string, wanted: RegExp): Promise<string> {
  for (let attempt = 0; attempt < 40; attempt += 1) {
    const [said] = wanted.exec(await daemon.docker('logs', name)) ?? [];
    if (said !== undefined) return said;
    await sleep(100);
  }
  throw new Error(`${name} did not print ${wanted}`);
}

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
      expect(await alarmsIn('gb-ordinary', daemon.environment, deep)).toEqual([]);
      await daemon.docker('rm', '--force', 'gb-privileged', 'gb-heir', 'gb-ordinary');
    });

    test('chown without CAP_CHOWN, mkdir behind a filter; more than an engine gives', async () => {
      const chown = 'cd /tmp; while :; do touch f; chown 1:1 f; rm -f f; sleep 0.1; done';
      const mkdir = 'cd /tmp; while :; do mkdir d && rmdir d; sleep 0.1; done';
      const profile = join(tmpdir(), `glassbox-profile-${process.pid}.json`);
      const names = ['mkdir', 'mkdirat'];
      writeFileSync(
        profile,
        JSON.stringify({
          defaultAction: 'SCMP_ACT_ALLOW',
          syscalls: [{ names, action: 'SCMP_ACT_ERRNO' }],
        }),
      );
      try {
        await start('gb-dropped', ['--cap-drop', 'ALL'], chown);
        await start('gb-filtered', ['--security-opt', `seccomp=${profile}`], mkdir);
        await start('gb-many', ['--cap-add', 'SYS_ADMIN'], chown);
        const { environment } = daemon;
        const missing = await foundSoon('security/capability-missing', 'gb-dropped', environment, deep);
        expect(missing).toMatchObject({ severity: 'warning', certainty: 'proved' });
        expect(missing.fixes[0]?.command).toBe('docker run --cap-add CHOWN …');
        const denied = await foundSoon('security/seccomp-denied', 'gb-filtered', environment, deep);
        expect(denied).toMatchObject({ severity: 'warning', certainty: 'proved' });
        expect(denied.summary).toContain('mkdir() of "mkdir" with EPERM');
        const many = await foundIn('gb-many', environment, deep);
        expect(many.get('security/capabilities-excessive')?.summary).toMatch(/default: SYS_ADMIN\.$/);
        expect([...many.keys()]).not.toContain('security/capability-missing');
        expect([...(await foundIn('gb-dropped', environment, deep)).keys()]).not.toContain(
          'security/seccomp-denied',
        );
      } finally {
        rmSync(profile);
        await daemon.docker('rm', '--force', 'gb-dropped', 'gb-filtered', 'gb-many');
      }
    });

    test('health checks are starts from outside; a program written since is a finding', async () => {
      const health = ['--health-cmd', 'test -d /tmp', '--health-interval', '300ms'];
      await start('gb-checked', [...health, '--cap-drop', 'ALL'], busy);
      const fresh = 'sleep 2; cp /bin/busybox /tmp/tool; while :; do /tmp/tool true; sleep 0.1; done';
      await start('gb-fresh', ['--tmpfs', '/tmp:exec'], fresh);
      const { environment } = daemon;
      expect(await alarmsIn('gb-checked', environment, deep)).toEqual([]);
      const checked = await foundIn('gb-checked', environment, deep);
      expect([...checked.keys()]).not.toContain('security/unexpected-exec');
      const found = await foundSoon('security/unexpected-exec', 'gb-fresh', environment, deep);
      expect(found).toMatchObject({ severity: 'warning', certainty: 'proved' });
      expect(found.summary).toContain('"/tmp/tool true"');
      expect(found.evidence[0]?.observed).toContain('in a tmpfs');
      // Written in an earlier life of the container: no clock tells, the layer does.
      const layer =
        'test -x /bin/tool || cp /bin/busybox /bin/tool; while :; do /bin/tool true; sleep 0.1; done';
      await start('gb-layer', [], layer);
      await sleep(1500);
      await daemon.docker('restart', '--time', '0', 'gb-layer');
      await sleep(1500);
      const kept = await foundSoon('security/unexpected-exec', 'gb-layer', environment, deep);
      expect(kept).toMatchObject({ severity: 'notice', certainty: 'proved' });
      expect(kept.summary).toContain('it lies in the writable layer: "/bin/tool true"');
      expect(kept.summary).not.toContain('sleep');
      await daemon.docker('rm', '--force', 'gb-checked', 'gb-fresh', 'gb-layer');
    });

    test("the host's pids and root directory, no limits, root of the host", async () => {
      const options = ['--name', 'gb-open', '--pid', 'host', '--volume', '/:/host'];
      await daemon.start(options, ['sh', '-c', idle]);
      const found = await foundIn('gb-open', daemon.environment);
      expect(found.get('security/host-shared')).toMatchObject({ severity: 'warning', certainty: 'proved' });
      expect(found.get('security/host-shared')?.summary).toMatch(
        /root directory of the host at \/host.*the pid namespace/,
      );
      expect(found.get('security/root-is-host-root')?.summary).toContain('write / of the host (at /host)');
      expect(found.get('security/resources-unlimited')?.fixes[0]?.command).toMatch(
        /^docker update --memory \d+ .*--pids-limit \d+ /,
      );
      await daemon.docker('rm', '--force', 'gb-open');
    });

    test('what it uses of the host: its socket, its files, its processes, its ports', async () => {
      // The image has busybox alone; perl is the host's, which is the point of mounting its root.
      const acts = [
        'use Socket; ($directory, $engine) = @ARGV; open W, ">>", "$directory/written" or die;',
        'socket(L, PF_INET, SOCK_STREAM, 0); bind(L, sockaddr_in(0, INADDR_LOOPBACK)) or die; listen(L, 1);',
        'socket(E, PF_UNIX, SOCK_STREAM, 0); connect(E, sockaddr_un($engine)) or die; open P, "<", "/proc/1/stat";',
        'print((sockaddr_in(getsockname(L)))[0]); $SIG{TERM} = sub { exit }; $| = 1; print "\\n"; sleep 300',
      ].join(' ');
      const directory = mkdtempSync(join(tmpdir(), 'glassbox-used-'));
      try {
        await daemon.docker(
          ...['run', '--detach', '--name', 'gb-uses', '--pid', 'host', '--network', 'host'],
          ...['--volume', '/:/host', '--volume', `${daemon.socket}:/run/docker.sock`, busyboxImage],
          ...['sh', '-c', 'chroot /host perl -e "$@" & wait', 'sh', acts, directory, daemon.socket],
        );
        const port = Number(await untilLogged(daemon, 'gb-uses', /^\d+$/m));
        const found = await foundIn('gb-uses', daemon.environment);
        const { summary, fixes, severity } = found.get('security/host-shared') ?? {};
        expect(severity).toBe('warning');
        expect(summary).toContain(`/host${directory}/written open for writing`);
        expect(summary).toContain(`connected to ${daemon.socket}`);
        expect(summary).toContain(`listens on 127.0.0.1:${port}`);
        expect(summary).toContain('has a file open in /proc of "');
        expect(fixes?.[0]?.command).toBe(
          `docker run --publish ${port}:${port} --volume ${directory}:/host${directory} …`,
        );
      } finally {
        rmSync(directory, { recursive: true });
        await daemon.docker('rm', '--force', 'gb-uses');
      }
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

describe.skipIf(withoutCrun !== undefined)('crun, looked into', () => {
  test('root that may not pass file permissions; a program from a deleted file', async () => {
    const script = [
      'cp /bin/busybox /tmp/gone; exec 7< /tmp/gone; rm /tmp/gone',
      'echo secret > /tmp/file; chmod 0 /tmp/file',
      'while :; do cat /tmp/file; /proc/self/fd/7 true; sleep 0.1; done',
    ].join('; ');
    await using box = await runCrun(['sh', '-c', script], {
      tune: config => {
        config.process.noNewPrivileges = true;
        config.process.capabilities = {
          bounding: [],
          effective: [],
          permitted: [],
          inheritable: [],
          ambient: [],
        };
        config.root.readonly = false;
      },
    });
    const missing = await foundSoon('security/capability-missing', box.id, {}, deep);
    expect(missing.summary).toMatch(/"cat" \(uid 0\) was refused CAP_DAC_\w+ in open/);
    const exec = await foundSoon('security/unexpected-exec', box.id, {}, deep);
    expect(exec.summary).toContain('whose file has no name');
  });
});

describe.skipIf(withoutCrun !== undefined)('crun, as its configuration says', () => {
  test('a filter by the configuration refuses mkdir; without limits, as root, with the network of the host', async () => {
    const script = 'trap "exit 0" TERM; while :; do mkdir /tmp/d; sleep 0.1 & wait $!; done';
    const syscalls = [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO' }];
    await using box = await runCrun(['sh', '-c', script], {
      tune: config => {
        config.linux.seccomp = { defaultAction: 'SCMP_ACT_ALLOW', syscalls };
        config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== 'network');
        config.root.readonly = false;
      },
    });
    const denied = await foundSoon('security/seccomp-denied', box.id, {}, deep);
    expect(denied).toMatchObject({ severity: 'warning', certainty: 'proved' });
    const found = await foundIn(box.id, {}, deep);
    expect(found.get('security/host-shared')?.summary).toContain('the network namespace');
    expect(found.get('security/root-is-host-root')).toBeDefined();
    expect(found.get('security/resources-unlimited')).toMatchObject({ severity: 'warning' });
    expect([...found.keys()]).not.toContain('security/capability-missing');
  });
});

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
      const [inotifyInit, addWatch] = process.arch === 'x64' ? [294, 254] : [26, 27];
      const taking = (count: number, uid = 74703): readonly string[] => [
        ...['setpriv', '--reuid', `${uid}`, '--regid', `${uid}`, '--clear-groups', '--no-new-privs', '--'],
        ...[
          'perl',
          '-e',
          `for (1 .. ${count}) { $fd = syscall(${inotifyInit}, 0); syscall(${addWatch}, $fd, $path = "/", 2) } $SIG{TERM} = sub { exit }; sleep 300`,
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
      // One watch in each: far from its own limit, and counted.
      expect(found.excluded).toContainEqual(
        expect.objectContaining({
          claim: 'Room for inotify watches of uid 74703',
          observed: expect.stringMatching(new RegExp(`^${limit} of \\d+, its own 10$`)),
        }),
      );
      expect([...(await foundIn(`pid:${apart.init}`)).keys()]).not.toContain('security/uid-limits-shared');
      expect(most.init).toBeGreaterThan(1);
    });

    test('unshare keeps all capabilities and uses none; in a user namespace of its own mount of the host is refused', async () => {
      await using open = await runUnshare(['sh', '-c', busy]);
      const found = await foundSoon('security/capabilities-excessive', `pid:${open.init}`, {}, deep);
      expect(found).toMatchObject({ severity: 'warning', certainty: 'likely' });
      expect(found.fixes[0]?.action).toContain('--cap-drop ALL --security-opt no-new-privileges');
      // Setting the clock asks for a capability of the host's own user namespace.
      await using mapped = await runUnshare(
        ['sh', '-c', 'while :; do date -s "@$(date +%s)"; sleep 0.1; done'],
        ['--user', '--map-root-user', '--pid', '--mount-proc', '--mount'],
      );
      const refused = await foundSoon('security/capability-missing', `pid:${mapped.init}`, {}, deep);
      expect(refused.summary).toContain('CAP_SYS_TIME');
      expect([...(await foundIn(`pid:${mapped.init}`, {}, deep)).keys()]).not.toContain(
        'security/capabilities-excessive',
      );
    });
  },
);
