import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ContainerSpec, LabProgram } from './lab.ts';
import { projectDirectory } from './places.ts';

type Binds = NonNullable<ContainerSpec['binds']>;

const nodeInside = '/glassbox/node';
const projectInside = '/glassbox/project';

/** A place in PATH, a home for programs that write there, and nothing of the caller's: labs must not depend on it. */
export const programEnvironment: readonly string[] = [
  'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  'HOME=/tmp',
  'LANG=C.UTF-8',
];

/**
 * What a program needs from outside: this Node and the project, wherever they are on the host and whoever may
 * enter the directories above them (a checkout below /root is closed to the lab's user).
 */
export const programBinds = (program: LabProgram): Binds =>
  program.kind === 'shell'
    ? []
    : [
        { source: process.execPath, target: nodeInside, writable: false },
        { source: projectDirectory, target: projectInside, writable: false },
      ];

/** The command of PID 1; `isInside` when it sees the binds, false when it shares the host's mounts. */
export function programCommand(program: LabProgram, isInside: boolean): readonly string[] {
  if (program.kind === 'shell') return ['/bin/sh', '-c', program.script];
  const file = fileURLToPath(program.file);
  const fromProject = relative(projectDirectory, file);
  if (fromProject.startsWith('..')) throw new Error(`${file} is not in ${projectDirectory}`);
  const node = isInside ? nodeInside : process.execPath;
  const script = isInside ? `${projectInside}/${fromProject}` : file;
  return [node, '--disable-warning=ExperimentalWarning', script, ...(program.args ?? [])];
}
