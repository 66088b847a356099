import { once } from 'node:events';
import { hostPid } from '../../linux/units.ts';
import { cgroupOfProcess, defaultLimits, makeCgroup, parentOnlyEntries } from '../cgroups.ts';
import type { DockerDaemon, Journal } from '../journal.ts';
import type { ContainerSpec, LabContainer } from '../lab.ts';
import { identify } from '../processes.ts';
import { openProgramOutput } from '../program-output.ts';
import { runInside } from '../run-inside.ts';
import { attachDocker, callDocker, demandDocker, frameReader } from './api.ts';
import { createBody } from './create-body.ts';
import { imageBinds } from './image.ts';

/** Starts the container of a specification with Docker, from the image of this run. */
export async function startDockerContainer(
  journal: Journal,
  daemon: DockerDaemon,
  image: string,
  spec: ContainerSpec,
): Promise<LabContainer> {
  const { socket } = daemon;
  const parentName = `${spec.name}-parent`;
  if (spec.parentLimits !== undefined) journal.record(...parentOnlyEntries(journal, [parentName]));
  const parent = spec.parentLimits && makeCgroup(journal, [parentName], spec.parentLimits);
  const limits = { ...defaultLimits(), ...spec.limits };
  const body = createBody(spec, limits, { name: image, binds: imageBinds() }, parent?.path);

  const name = `glassbox-${journal.run}-${spec.name}`;
  journal.record({ kind: 'docker', ...daemon, name });
  const { Id: id } = (await demandDocker(socket, 'POST', `/containers/create?name=${name}`, body)) as {
    Id: string;
  };
  const output = openProgramOutput(spec.name);
  const stream = await attachDocker(socket, id);
  stream.on('data', frameReader(output.add));
  stream.on('error', () => {});
  const ended = once(stream, 'close').then(() => output.end('it ended'));
  await demandDocker(socket, 'POST', `/containers/${id}/start`);

  const { State } = (await demandDocker(socket, 'GET', `/containers/${id}/json`)) as {
    State: { Pid: number };
  };
  const init = identify(State.Pid);
  if (init === undefined) {
    await ended;
    throw new Error(`a container ended at once: ${output.all().trim()}`);
  }
  const cgroup = cgroupOfProcess(hostPid(init.pid));
  if (limits.cpu?.burst !== undefined) cgroup.setLimits({ cpu: limits.cpu });
  return {
    name: spec.name,
    selector: id,
    init: hostPid(init.pid),
    directories: cgroup.directories,
    parentDirectories: parent?.directories ?? {},
    line: output.line,
    say: line => stream.write(`${line}\n`),
    run: (command, namespaces) => runInside(journal.run, init, command, namespaces),
    setLimits: async changed => cgroup.setLimits(changed),
    stop: async () => {
      await callDocker(socket, 'DELETE', `/containers/${id}?force=true&v=true`);
      stream.destroy();
      await ended;
    },
  };
}
