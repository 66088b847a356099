import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type StoredProcess, storedHost } from '../../../test/support/stored-host.ts';
import { findDockerContainers } from './docker.ts';
import type { EngineAnswer } from './docker-socket.ts';
import { findPodmanContainers } from './podman.ts';

const id = 'f'.repeat(64);
const ended = '0'.repeat(64);

const running = {
  Id: id,
  Name: '/web-1',
  State: {
    Status: 'running',
    Pid: 20,
    ExitCode: 0,
    OOMKilled: false,
    StartedAt: '2026-11-23T12:55:22.318123456Z',
    FinishedAt: '0001-01-01T00:00:00Z',
  },
  Config: {
    Image: 'nginx:1',
    StopSignal: 'SIGQUIT',
    Labels: {
      hostile: '\u001b[2J</script>',
      'io.kubernetes.pod.namespace': 'shop',
      'io.kubernetes.pod.name': 'web',
      'io.kubernetes.container.name': 'nginx',
    },
  },
  SomethingNew: { of: ['a', 'later', 'version'] },
};
const exited = {
  Id: ended,
  Name: '/batch',
  State: {
    Status: 'exited',
    Pid: 0,
    ExitCode: 137,
    OOMKilled: true,
    StartedAt: '2026-11-23T12:00:00Z',
    FinishedAt: '2026-11-23T12:01:00.5Z',
  },
  Config: { Image: 'busybox', Labels: null },
};
const here: StoredProcess = {
  pid: 20,
  namespaces: { pid: 5, mnt: 6 },
  namespacePids: [20, 1],
  cgroup: `/docker/${id}`,
};

const ask: { docker: typeof findDockerContainers; podman: typeof findPodmanContainers } = {
  docker: findDockerContainers,
  podman: findPodmanContainers,
};

/** What is made of an engine that answers like this at its usual socket. */
async function answerOf(
  listener: RequestListener,
  {
    socket = '/var/run/docker.sock',
    engine = 'docker',
    processes = [here],
    environment = {},
  }: {
    socket?: string;
    engine?: keyof typeof ask;
    processes?: readonly StoredProcess[];
    environment?: Readonly<Record<string, string>>;
  } = {},
): Promise<EngineAnswer> {
  using host = storedHost(processes);
  const path = join(host.files.root, socket);
  mkdirSync(dirname(path), { recursive: true });
  const server = createServer(listener).listen(path);
  await once(server, 'listening');
  try {
    return await ask[engine](host.files, environment);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

/** Answers as the daemon does, with these containers. */
const daemon =
  (containers: readonly { readonly Id: string }[], server = 'Docker/20.10.24 (linux)'): RequestListener =>
  (request, response) => {
    response.setHeader('Server', server);
    const asked = /^\/containers\/(\w+)\/json/.exec(request.url ?? '')?.[1];
    const one = containers.find(container => container.Id === asked);
    if (request.url?.startsWith('/containers/json?'))
      response.end(JSON.stringify(containers.map(({ Id }) => ({ Id, Names: [] }))));
    else if (one === undefined) response.writeHead(404).end('{"message":"No such container"}');
    else response.end(JSON.stringify(one));
  };

const text =
  (status: number, body: string): RequestListener =>
  (_, response) =>
    void response.writeHead(status).end(body);

test('tells of running and exited containers', async () => {
  const { sightings, notices } = await answerOf(daemon([running, exited]));
  expect(notices).toEqual([]);
  expect(sightings).toEqual([
    {
      engine: 'docker',
      id,
      name: 'web-1',
      state: 'running',
      init: 20,
      startedAt: '2026-11-23T12:55:22.318Z',
      image: 'nginx:1',
      labels: running.Config.Labels,
      pod: { namespace: 'shop', name: 'web', container: 'nginx' },
      stopSignal: 3,
      exit: null,
    },
    {
      engine: 'docker',
      id: ended,
      name: 'batch',
      state: 'exited',
      init: null,
      startedAt: '2026-11-23T12:00:00.000Z',
      image: 'busybox',
      labels: {},
      pod: null,
      exit: { code: 137, outOfMemory: true, finishedAt: '2026-11-23T12:01:00.500Z' },
    },
  ]);
});

test('many containers over few connections', async () => {
  const many = Array.from({ length: 200 }, (_, index) => ({ ...exited, Id: `${index}`.padStart(64, '0') }));
  expect((await answerOf(daemon(many))).sightings).toHaveLength(200);
});

test('no answer throws', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(fc.json(), fc.string()),
      fc.oneof(fc.json(), fc.string()),
      async (details, list) => {
        const { sightings, notices } = await answerOf((request, response) => {
          if (request.url?.includes(id)) response.end(details);
          else response.end(fc.hash(list) % 2 === 0 ? list : JSON.stringify([{ Id: id }]));
        });
        expect(sightings.length + notices.length).toBeLessThanOrEqual(2);
      },
    ),
    { numRuns: 40 },
  );
});

describe('which process is its init', () => {
  test.each<[string, readonly StoredProcess[]]>([
    ['a pid of another machine or pid namespace', [{ pid: 20 }]],
    ['a pid that a bare container has by now', [{ ...here, cgroup: '/' }]],
    ['a pid that is gone', []],
  ])('not %s', async (_, processes) => {
    const { sightings } = await answerOf(daemon([running]), { processes });
    expect(sightings).toMatchObject([{ id, init: null }]);
  });

  test('Podman may run without a cgroup: own mounts do', async () => {
    const options = {
      engine: 'podman',
      socket: '/run/podman/podman.sock',
      processes: [{ ...here, cgroup: '/' }],
    } as const;
    expect((await answerOf(daemon([running]), options)).sightings).toMatchObject([
      { engine: 'podman', init: 20 },
    ]);
  });
});

test('a container that was created and not yet started is left out; one that failed to start is not', async () => {
  const state = { ...exited.State, StartedAt: '0001-01-01T00:00:00Z' };
  const created = { ...exited, State: { ...state, ExitCode: 0 } };
  expect((await answerOf(daemon([created]))).sightings).toEqual([]);
  const failed = { ...exited, State: { ...state, ExitCode: 127 } };
  expect((await answerOf(daemon([failed]))).sightings).toMatchObject([
    { startedAt: null, exit: { code: 127 } },
  ]);
});

test('a container removed while the daemon is asked is left out', async () => {
  const listed = daemon([running, exited]);
  const { sightings, notices } = await answerOf((request, response) => {
    if (request.url?.includes(id)) response.writeHead(404).end('{}');
    else listed(request, response);
  });
  expect(sightings.map(sighting => sighting.id)).toEqual([ended]);
  expect(notices).toEqual([]);
});

describe('where it listens', () => {
  test('DOCKER_HOST', async () => {
    const socket = '/home/me/.docker/run/docker.sock';
    const environment = { DOCKER_HOST: `unix://${socket}` };
    expect((await answerOf(daemon([running]), { socket, environment })).sightings).toHaveLength(1);
    expect((await answerOf(daemon([running]), { socket })).sightings).toHaveLength(0);
  });

  test.each(['tcp://10.0.0.1:2375', 'ssh://elsewhere', 'unix://', ''])('not %j', async DOCKER_HOST => {
    expect(await answerOf(daemon([running]), { environment: { DOCKER_HOST } })).toMatchObject({
      sightings: [{ id }],
      notices: [],
    });
  });

  test('the usual socket named again is asked once', async () => {
    const environment = { DOCKER_HOST: 'unix:///var/run/docker.sock' };
    expect((await answerOf(daemon([running]), { environment })).sightings).toHaveLength(1);
  });

  test('the sockets of users, for Podman', async () => {
    const options = { engine: 'podman', socket: '/run/user/1000/podman/podman.sock' } as const;
    expect((await answerOf(daemon([running]), options)).sightings).toMatchObject([{ engine: 'podman' }]);
  });

  test('Podman behind Docker’s socket is Podman', async () => {
    const { sightings } = await answerOf(daemon([running], 'Libpod/4.3.1 (linux)'));
    expect(sightings).toMatchObject([{ engine: 'podman' }]);
  });
});

describe('what is said when it cannot be asked', () => {
  test.concurrent.each<[string, RequestListener, object]>([
    ['broken JSON', text(200, '[{"Id":'), { because: 'failed', what: expect.stringContaining('not JSON') }],
    [
      'another form',
      text(200, '{"containers":[]}'),
      { because: 'failed', what: expect.stringContaining('is off at') },
    ],
    ['an id that is a path', text(200, '[{"Id":"../../images"}]'), { because: 'failed' }],
    [
      'an error of its own',
      text(500, '{"message":"database is locked"}'),
      { because: 'failed', what: expect.stringContaining('500 {"message":"database is locked"}') },
    ],
    ['a hang', () => {}, { because: 'down', what: expect.stringContaining('no answer in') }],
    ['a hang in the middle', (_, response) => void response.write('[{'), { because: 'down' }],
    ['hanging up', request => void request.socket.destroy(), { because: 'failed' }],
  ])('%s', async (_, listener, notice) => {
    const { sightings, notices } = await answerOf(listener);
    expect(sightings).toEqual([]);
    expect(notices).toEqual([
      {
        engine: 'docker',
        what: expect.any(String),
        because: expect.any(String),
        remedy: expect.any(String),
        ...notice,
      },
    ]);
  });

  test('what was learnt before counts', async () => {
    const listed = daemon([running, exited]);
    const { sightings, notices } = await answerOf((request, response) => {
      if (request.url?.includes(ended)) response.end('{');
      else listed(request, response);
    });
    expect(sightings).toMatchObject([{ id }]);
    expect(notices).toHaveLength(1);
  });

  test('a socket that does not exist: nothing', async () => {
    using host = storedHost([]);
    expect(await findDockerContainers(host.files, {})).toEqual({ sightings: [], notices: [] });
  });

  test('a socket that nobody listens at', async () => {
    using host = storedHost([]);
    host.write('/var/run/docker.sock', '');
    const { notices } = await findDockerContainers(host.files, {});
    expect(notices).toMatchObject([
      { engine: 'docker', because: 'down', remedy: expect.stringContaining('systemctl start docker') },
    ]);
  });
});
