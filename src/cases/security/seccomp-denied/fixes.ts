import type { CommonFacts } from '../../../diagnose/facts.ts';
import type { Fix } from '../../../diagnose/verdict.ts';

/** The same operation may come as another call tomorrow, from another library or on another architecture. */
const families: readonly (readonly string[])[] = [
  ['mkdir', 'mkdirat'],
  ['mknod', 'mknodat'],
  ['clone', 'clone3', 'unshare'],
  ['mount', 'umount2', 'fsopen', 'fsmount', 'move_mount'],
  ['chmod', 'fchmod', 'fchmodat', 'fchmodat2'],
  ['chown', 'fchown', 'lchown', 'fchownat'],
  ['rename', 'renameat', 'renameat2'],
  ['unlink', 'unlinkat', 'rmdir'],
  ['ptrace', 'process_vm_readv', 'process_vm_writev'],
];

const askTheKernel: Fix = {
  action:
    'Start it with a profile that logs in place of refusing (SCMP_ACT_LOG): the kernel log then names each call',
  effect: 'It runs on, and `type=1326` in the kernel log has the number of the call',
  risk: 'Nothing is filtered for as long as it runs so',
};

export function fixesFor(
  { engine, pod }: CommonFacts['container'],
  refused: readonly { readonly call: string }[],
): readonly Fix[] {
  const calls = [...new Set(refused.map(({ call }) => call))];
  const allowed = [
    ...new Set(calls.flatMap(call => families.find(family => family.includes(call)) ?? [call])),
  ].sort();
  const rule = `{"names": [${allowed.map(name => `"${name}"`).join(', ')}], "action": "SCMP_ACT_ALLOW"}`;
  const isEngine = engine === 'docker' || engine === 'podman';
  return [
    calls.length === 0
      ? askTheKernel
      : {
          action: `Allow it in a profile of its own, copied from the one in force: ${rule}`,
          ...(pod === null && isEngine
            ? { command: `${engine} run --security-opt seccomp=profile.json …` }
            : {}),
          effect:
            pod === null
              ? 'This call reaches the kernel; all others stay filtered'
              : 'As seccompProfile: {type: Localhost, localhostProfile: …} of the pod',
          risk: 'A filter cannot be changed in a running process: it has to be started again',
        },
    {
      action:
        'Or grant the capability that the call is allowed with: profiles of engines open some calls by it',
      effect:
        'mount, bpf, ptrace or clock_settime are open in Docker with the capability that they need anyway',
      risk: 'The capability itself; security/capabilities-excessive tells which are used',
    },
    {
      action: 'Not --security-opt seccomp=unconfined, but to find out: it opens some hundred calls more',
      effect: 'Shows that the filter was it',
      risk: 'Old and rarely used parts of the kernel are within reach then',
    },
  ];
}
