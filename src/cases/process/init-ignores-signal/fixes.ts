import type { Container } from '../../../containers/container.ts';
import { runsShell } from '../../../diagnose/program.ts';
import type { Fix } from '../../../diagnose/verdict.ts';
import { saySignal } from '../../../linux/signals.ts';
import type { ProcessFacts } from '../../../observe/observation.ts';

/** An init in front, the program in place of its shell, a handler; and how to end it now. */
export function fixesFor({ pod }: Container, init: ProcessFacts, signal: number): readonly Fix[] {
  const name = saySignal(signal);
  return [
    {
      action:
        pod === null
          ? 'Start it with an init as PID 1: --init (docker, podman), `init: true` (compose), or tini'
          : 'Put an init such as tini in front of the command, or set shareProcessNamespace: true',
      effect: `The init passes ${name} on and reaps ended children`,
      risk: 'The container is started again; the program is PID 2 or higher then',
    },
    ...(runsShell(init)
      ? [
          {
            action: 'Let the program replace the shell: `exec program`, or the form CMD ["program"]',
            effect: `${name} goes to the program, not to a shell that only waits`,
            risk: 'The program is PID 1 itself then and needs a handler',
          },
        ]
      : []),
    {
      action: `Handle ${name} in the program: process.on, signal.Notify, trap`,
      effect: 'A stop takes as long as the clean-up does',
      risk: 'The handler must end the process itself',
    },
    {
      action: 'To end it now, from the host',
      command: `kill -KILL ${init.pid}`,
      effect: 'Only SIGKILL from outside cannot be refused; inside, even `kill -9 1` does nothing',
      risk: 'All its processes die at once, unsaved',
    },
  ];
}
