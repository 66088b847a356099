import type { Container } from '../../../containers/container.ts';
import type { Fix } from '../../../diagnose/verdict.ts';
import { sayBytes, shellWord } from '../../../diagnose/wording.ts';
import type { SharedMemoryFacts } from '../../../observe/observation.ts';
import type { Holding } from './holdings.ts';

/** How to get the memory back, by what holds most of it, and how to bound it for good. */
export function fixesFor(
  container: Container,
  holdings: readonly Holding[],
  shared: SharedMemoryFacts | undefined,
): readonly Fix[] {
  const [largest] = holdings;
  const release = largest === undefined ? [] : [releaseFix(container, largest)];
  const mount = shared?.mounts[0];
  return [...release, ...(mount === undefined ? [] : [boundFix(container, mount)])];
}

function releaseFix(container: Container, holding: Holding): Fix {
  switch (holding.kind) {
    case 'file':
      return {
        action: `Delete ${holding.path}`,
        command: removeCommand(container, holding.path),
        effect: `Gives back ${sayBytes(holding.size)} at once, unless a process has it open`,
        risk: 'Its contents are gone; a process that maps it keeps the memory until it closes it',
      };
    case 'segment':
      return {
        action: `Remove System V segment ${holding.id}`,
        ...(container.init === null || holding.attached > 0
          ? {}
          : { command: `nsenter -t ${container.init} -i ipcrm -m ${holding.id}` }),
        effect: `Gives back ${sayBytes(holding.size)} once nobody is attached`,
        risk: 'A program that expects the segment under its key starts without it',
      };
    case 'nameless':
      return {
        action: `Restart the process that holds ${holding.path}, or make it close the file`,
        effect: `Gives back ${sayBytes(holding.size)} with the last descriptor and mapping`,
        risk: 'The process is restarted',
      };
  }
}

function removeCommand({ engine, name, init }: Container, path: string): string {
  if (engine === 'docker' || engine === 'podman') {
    return `${engine} exec ${shellWord(name)} rm -- ${shellWord(path)}`;
  }
  return `rm -- ${shellWord(`/proc/${init ?? '<pid>'}/root${path}`)}`;
}

function boundFix(container: Container, { path, size }: SharedMemoryFacts['mounts'][number]): Fix {
  const now = size === 0 ? 'without a size' : `with size ${sayBytes(size)}`;
  const effect =
    'A full mount answers ENOSPC, which the program can handle; a full cgroup kills a process instead';
  const risk = 'Programs that need more shared memory than that fail with ENOSPC or SIGBUS';
  if (container.pod !== null) {
    return {
      action: `Give the emptyDir (medium: Memory) at ${path}, mounted ${now}, a sizeLimit well below the memory limit`,
      effect,
      risk,
    };
  }
  const option = path === '/dev/shm' ? '--shm-size' : `--tmpfs ${path}:size=…`;
  return {
    action: `Give ${path}, mounted ${now}, a size well below the memory limit (${option} when the container is made)`,
    effect,
    risk,
  };
}
