import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openRun } from '../../src/lab/bench.ts';
import { callDocker } from '../../src/lab/docker/api.ts';
import { runLab } from '../../src/lab/runner.ts';
import { bytes } from '../../src/linux/units.ts';
import { busyboxImage, type Dockerd, startDockerd } from '../support/engines/dockerd.ts';
import { whyNot } from '../support/engines/programs.ts';
import { remainsOf } from './remains.ts';
import { sampleCase, sampleLab, sampleProbe } from './sample-lab.ts';

const reason = whyNot('dockerd', 'docker', 'busybox', 'tar');

describe.skipIf(reason !== undefined)(
  `labs on Docker${reason === undefined ? '' : ` (skipped: ${reason})`}`,
  () => {
    let daemon: Dockerd | undefined;
    const before = process.env.DOCKER_HOST;
    beforeAll(async () => {
      daemon = await startDockerd();
      process.env.DOCKER_HOST = `unix://${daemon.socket}`;
    });
    afterAll(async () => {
      if (before === undefined) delete process.env.DOCKER_HOST;
      else process.env.DOCKER_HOST = before;
      await daemon?.[Symbol.asyncDispose]();
    });

    const listed = async (what: 'containers/json?all=true' | 'images/json'): Promise<unknown> =>
      JSON.parse((await callDocker(daemon?.socket ?? '', 'GET', `/${what}`)).body);
    const onlyItsOwnImage = [expect.objectContaining({ RepoTags: [busyboxImage] })];

    test('a lab runs as it does bare, and leaves neither container nor image nor cgroup', async () => {
      const result = await runLab(sampleLab, { caseId: sampleCase, engine: 'docker', probe: sampleProbe });
      expect(result).toMatchObject({
        engine: 'docker',
        reproduced: true,
        fixed: true,
        healthySilent: true,
        skipped: null,
        error: null,
      });
      expect(await listed('containers/json?all=true')).toEqual([]);
      expect(await listed('images/json')).toEqual(onlyItsOwnImage);
      expect(remainsOf(process.pid, 'no marker')).toEqual([]);
    });

    test('a Node program without capabilities, with limits on the cgroup above', async () => {
      const run = openRun('docker');
      try {
        const container = await run.bench.container({
          name: 'reporter',
          program: { kind: 'node', file: new URL('./programs/report.ts', import.meta.url) },
          parentLimits: { memory: bytes(200 * 1024 * 1024) },
          sysctls: { 'net.core.somaxconn': '77' },
          sharedMemorySize: bytes(8 * 1024 * 1024),
        });
        expect(JSON.parse(await container.line(/^\{/))).toMatchObject({
          hostname: 'reporter',
          pid: 1,
          uid: 64321,
          processes: 1,
          effective: '0'.repeat(16),
          noNewPrivileges: '1',
          somaxconn: '77',
          sharedMemory: 8 * 1024 * 1024,
        });
        expect(container.directories.memory).toContain(container.parentDirectories.memory);
        container.say('hello');
        expect(await container.line(/heard/)).toBe('heard hello');
        expect(await container.run(['cat', '/proc/sys/kernel/hostname'], ['uts'])).toEqual({
          code: 0,
          output: 'reporter\n',
        });
      } finally {
        expect(run.close()).toEqual([]);
      }
      expect(remainsOf(process.pid, 'no marker')).toEqual([]);
    });
  },
);

test('without a daemon a lab is skipped with the remedy', async () => {
  const before = process.env.DOCKER_HOST;
  process.env.DOCKER_HOST = 'unix:///nowhere/docker.sock';
  const result = await runLab(sampleLab, { caseId: sampleCase, engine: 'docker', probe: sampleProbe });
  if (before === undefined) delete process.env.DOCKER_HOST;
  else process.env.DOCKER_HOST = before;
  expect(result.skipped?.remedy).toBeTruthy();
  expect(result.stages).toEqual({});
});
