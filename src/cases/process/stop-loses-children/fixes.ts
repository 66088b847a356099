import type { Container } from '../../../containers/container.ts';
import type { Fix } from '../../../diagnose/verdict.ts';
import type { Stop } from './stop.ts';

export function fixesFor(
  { pod }: Container,
  ends: Extract<Stop, { kind: 'trap-ends' | 'child-ends' }>,
  name: string,
): readonly Fix[] {
  const short = name.replace(/^SIG/, '');
  return [
    {
      action: `Pass it on and wait, in the shell: trap 'kill -${short} "$child"; wait "$child"; exit' ${short}`,
      effect: 'PID 1 ends after the last of them has cleaned up',
      risk: 'A stop takes as long as the slowest clean-up; beyond the grace period all are killed still',
    },
    {
      action: 'Let the one program take the place of the shell: `exec program` as the last line',
      effect: `${name} goes to the program itself, and nothing runs that could end before it`,
      risk: 'For a single program only; several need a supervisor such as supervisord or s6',
    },
    ...(ends.kind === 'child-ends'
      ? [
          {
            action:
              pod === null
                ? 'Give the init the program itself as its command, not a shell that starts it'
                : 'Give each program a container of its own in the pod',
            effect: 'The init waits for the program and not for the shell in between',
            risk: 'What the shell did after the program ended is not done any more',
          },
        ]
      : []),
  ];
}
