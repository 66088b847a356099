import { chmodSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Container } from '../../src/containers/container.ts';
import { discoverContainers } from '../../src/containers/discover.ts';
import { groupProcesses } from '../../src/containers/members.ts';
import { selectContainers } from '../../src/containers/select.ts';
import { openKernelFiles } from '../../src/linux/files.ts';
import { runCrun } from '../support/engines/crun.ts';
import { busyboxImage, type Dockerd, startDockerd } from '../support/engines/dockerd.ts';
import { cgroupDirectories, mountsBelow } from '../support/engines/leftovers.ts';
import { run, until, whyNot } from '../support/engines/programs.ts';

const files = openKernelFiles();
const missing = whyNot('dockerd', 'docker', 'containerd', 'runc', 'busybox', 'setpriv', 'tar');

describe.skipIf(missing !== undefined)('Docker', () => {
  let daemon: Dockerd;
  beforeAll(async () => {
    daemon = await startDockerd();
  });
  afterAll(async () => {
    await daemon?.[Symbol.asyncDispose]();
    expect(mountsBelow(dirname(daemon.socket))).toEqual([]);
    expect(cgroupDirectories(dirname(daemon.cgroup))).toEqual([]);
  });

  async function discover(environment: Readonly<Record<string, string>> = daemon.environment) {
    return (await discoverContainers(files, { environment })).containers;
  }

  const named = (containers: readonly Container[], name: string): Container => {
    const selection = selectContainers(files, containers, name);
    if (selection.kind !== 'one') throw new Error(`${name}: ${selection.kind}`);
    return selection.container;
  };

  test('a running container has one entry, with its name, cgroups and processes', async () => {
    const id = await daemon.start(['--name', 'gb-web', '--label', 'tier=\u001b[31mred'], ['sleep', '300']);
    await daemon.docker('exec', '--detach', 'gb-web', 'sleep', '299');
    const containers = await discover();
    const web = named(containers, 'gb-web');
    expect(web).toMatchObject({
      id,
      engine: 'docker',
      state: 'running',
      image: busyboxImage,
      labels: { tier: '\u001b[31mred' },
      exit: null,
      cgroups: { memory: `${daemon.cgroup}/${id}`, pids: `${daemon.cgroup}/${id}` },
      sharedCgroups: [],
    });
    expect(containers.filter(({ init }) => init === web.init)).toHaveLength(1);
    const members = await until('both processes', () => {
      const pids = groupProcesses(files, containers).get(id) ?? [];
      return pids.length === 2 ? pids : undefined;
    });
    expect(members).toContain(web.init);
    expect(named(containers, id.slice(0, 12))).toBe(web);
    for (const pid of members) expect(named(containers, `pid:${pid}`)).toBe(web);
    expect(named(containers, `cgroup:${daemon.cgroup}/${id}`)).toBe(web);
  });

  test('with the daemon unknown, the cgroup still says whose it is', async () => {
    const id = await daemon.start(['--hostname', 'gb-known'], ['sleep', '300']);
    const found = (await discover({})).filter(container => container.id === id);
    expect(found).toMatchObject([{ engine: 'docker', name: 'gb-known', state: 'running', image: null }]);
  });

  test('shared namespaces: the pids of the host, the pids of another container', async () => {
    await daemon.start(['--name', 'gb-host-pids', '--pid', 'host'], ['sleep', '300']);
    const owner = await daemon.start(['--name', 'gb-owner'], ['sleep', '300']);
    const guest = await daemon.start(['--name', 'gb-guest', '--pid', 'container:gb-owner'], ['sleep', '300']);
    for (const environment of [daemon.environment, {}]) {
      const containers = (await discover(environment as Readonly<Record<string, string>>)).filter(
        ({ cgroups }) => cgroups.memory?.startsWith(daemon.cgroup),
      );
      const groups = groupProcesses(files, containers);
      for (const { id, init } of containers) {
        if (id === owner || id === guest) expect(groups.get(id)).toEqual([init]);
      }
      const ids = containers.map(({ id }) => id);
      expect(ids).toEqual(expect.arrayContaining([owner, guest]));
      expect(new Set(ids).size).toBe(ids.length);
      // Asked about alone, the guest does not get the processes of the owner.
      const alone = containers.filter(({ id }) => id === guest);
      expect(groupProcesses(files, alone).get(guest)).toEqual(alone.map(({ init }) => init));
    }
    const shared = named(await discover(), 'gb-host-pids');
    expect(groupProcesses(files, [shared]).get(shared.id)).toEqual([shared.init]);
  });

  test('an exited container is known with its end', async () => {
    await daemon.start(['--name', 'gb-ended'], ['sh', '-c', 'exit 3']);
    await daemon.docker('wait', 'gb-ended');
    expect(named(await discover(), 'gb-ended')).toMatchObject({
      state: 'exited',
      init: null,
      cgroups: {},
      exit: { code: 3, outOfMemory: false, finishedAt: expect.stringMatching(/^\d{4}-.*Z$/) },
    });
  });

  test('a container killed for its memory is known as such', async () => {
    const grow = 'x=0123456789abcdef; while :; do x=$x$x; done';
    await daemon.start(['--name', 'gb-oom', '--memory', '16m'], ['sh', '-c', grow]);
    expect(await daemon.docker('wait', 'gb-oom')).toBe('137');
    expect(named(await discover(), 'gb-oom').exit).toMatchObject({ code: 137, outOfMemory: true });
  });

  test('who may not ask is told so', async context => {
    const nobody = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups', '--'] as const;
    const mayRun = await run(...nobody, 'test', '-x', process.execPath).then(
      () => true,
      () => false,
    );
    context.skip(!mayRun, `needs a checkout that others may read: ${process.execPath}`);
    const script = `
      const { discoverContainers } = await import(process.argv[1]);
      const { openKernelFiles } = await import(process.argv[2]);
      const { notices } = await discoverContainers(openKernelFiles());
      console.log(JSON.stringify(notices));`;
    const modules = ['containers/discover.ts', 'linux/files.ts'].map(
      path => new URL(`../../src/${path}`, import.meta.url).pathname,
    );
    const directory = dirname(daemon.socket);
    const mode = statSync(directory).mode;
    chmodSync(directory, 0o755);
    try {
      const output = await run(
        ...nobody,
        ...(['env', `DOCKER_HOST=${daemon.environment.DOCKER_HOST}`] as const),
        ...[process.execPath, '--input-type=module', '--eval', script, ...modules],
      );
      const notices: unknown[] = JSON.parse(output);
      expect(notices).toContainEqual({
        engine: 'docker',
        what: daemon.socket,
        because: 'not-permitted',
        remedy: 'run as root, or join the group docker',
      });
      expect(notices).toContainEqual(expect.objectContaining({ engine: 'bare', because: 'not-permitted' }));
    } finally {
      chmodSync(directory, mode & 0o7777);
    }
  });
});

const missingForRuntimes = whyNot('crun', 'runc', 'busybox', 'unshare');
describe.skipIf(missingForRuntimes !== undefined).each(['crun', 'runc'] as const)('%s', runtime => {
  test('a container that it made has its id, cgroup and annotations', async () => {
    const annotations = { 'org.example.hostile': '"\u0000\u001b[2J' };
    await using made = await runCrun(['sleep', '300'], { runtime, annotations });
    const { containers, notices } = await discoverContainers(files, { environment: {} });
    expect(notices).toEqual([]);
    expect(containers.filter(({ init }) => init === made.init)).toMatchObject([
      {
        id: made.id,
        name: made.id,
        engine: runtime,
        state: 'running',
        labels: annotations,
        cgroups: { memory: made.cgroup, pids: made.cgroup, cpu: made.cgroup },
        sharedCgroups: [],
      },
    ]);
    expect(groupProcesses(files, containers).get(made.id)).toEqual([made.init]);
  });

  test('one whose process ended is exited until it is deleted', async () => {
    await using made = await runCrun(['sleep', '300'], { runtime });
    process.kill(made.init, 'SIGKILL');
    await until('it ended', () => {
      const stat = files.read(`/proc/${made.init}/stat`);
      return stat.present && !/\) [ZX] /.test(stat.value) ? undefined : true;
    });
    const { containers } = await discoverContainers(files, { environment: {} });
    expect(containers.filter(({ id, init }) => id === made.id || init === made.init)).toMatchObject([
      { id: made.id, engine: runtime, state: 'exited', init: null, exit: null },
    ]);
  });
});
