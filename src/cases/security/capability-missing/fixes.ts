import type { CommonFacts } from '../../../diagnose/facts.ts';
import type { Fix } from '../../../diagnose/verdict.ts';
import { capabilityName } from '../../../linux/capabilities.ts';
import type { Refusal } from './refusals.ts';

/** What makes the capability needless, where there is such a thing; by number. */
const instead: Readonly<Record<number, Pick<Fix, 'action' | 'effect' | 'risk'>>> = {
  0: {
    action: 'Without it: make files with the right owner, in the image or by an init container',
    effect: 'Nothing has to change owners at run time',
    risk: 'Volumes that exist already must be changed once',
  },
  1: {
    action: 'Without it: give the files to the uid that uses them',
    effect: 'Their permissions let it in',
    risk: 'Others who used them as root need a group',
  },
  10: {
    action:
      'Without it: a port above 1023, or --sysctl net.ipv4.ip_unprivileged_port_start=0 for its own network namespace',
    effect: 'Any user may bind low ports in there',
    risk: 'None outside: the setting is of that network namespace',
  },
  13: {
    action: 'Without it: ping sockets, by --sysctl net.ipv4.ping_group_range="0 2147483647"',
    effect: 'ping works for everybody in there; raw packets stay forbidden',
    risk: 'Programs that really make raw packets still fail',
  },
  21: {
    action: 'Rather not: CAP_SYS_ADMIN opens most of the host. Ask which call needs it, and do that outside',
    effect: 'A mount can be made by the engine, a namespace by rootless tools',
    risk: 'The program may have to be told',
  },
};

export function fixesFor(
  { engine, pod }: CommonFacts['container'],
  refusals: readonly Refusal[],
): readonly Fix[] {
  const missing = [
    ...new Set(refusals.filter(({ why }) => why === 'missing').map(({ row }) => row.capability)),
  ].sort((a, b) => a - b);
  const names = missing.map(capabilityName);
  const notRoot = refusals.some(({ why, row }) => why === 'missing' && row.uid !== 0);
  const isEngine = engine === 'docker' || engine === 'podman';
  return [
    ...(missing.length === 0
      ? []
      : [
          {
            action:
              pod === null
                ? `Add ${names.join(', ')}, and no more`
                : `Add it alone, in the pod spec: securityContext: {capabilities: {add: [${names.join(', ')}]}}`,
            ...(pod === null && isEngine
              ? { command: `${engine} run ${names.map(name => `--cap-add ${name}`).join(' ')} …` }
              : {}),
            effect: `${missing.length === 1 ? 'The call succeeds' : 'The calls succeed'}; its other limits stay`,
            risk: notRoot
              ? 'A process that is not root gets it only from the file: setcap, or a supervisor with ambient capabilities'
              : 'Whoever takes the program over has it too',
          },
        ]),
    ...missing.flatMap(number => instead[number] ?? []),
    ...(refusals.some(({ why }) => why === 'elsewhere')
      ? [
          {
            action: 'Do it where it is owned: on the host, or in a namespace that its user namespace made',
            effect: 'Capabilities of a user namespace count for what that namespace owns',
            risk: 'More capabilities do not help, and the user namespace of the host would lay it open',
          },
        ]
      : []),
  ];
}
