import type { CommonFacts } from '../../../diagnose/facts.ts';
import type { Fix } from '../../../diagnose/verdict.ts';
import type { Used } from './rule.ts';

/** A uid of its own mends all of these limits; a higher limit only moves the day. */
export function fixesFor({ engine, pod }: CommonFacts['container'], shared: readonly Used[]): readonly Fix[] {
  const tasks = shared.find(({ kind }) => kind === 'tasks');
  const inotify = shared.find(({ kind }) => kind === 'inotify');
  const watches = shared.find(({ kind }) => kind === 'watches');
  const isEngine = engine === 'docker' || engine === 'podman';
  return [
    {
      action:
        pod === null ? 'Give it a uid of its own' : 'Give it a uid of its own: securityContext.runAsUser',
      ...(pod === null && isEngine ? { command: `${engine} run --user 10007:10007 …` } : {}),
      ...(engine === 'bare'
        ? { command: 'setpriv --reuid 10007 --regid 10007 --clear-groups --no-new-privs …' }
        : {}),
      effect: 'What others do no longer counts against it',
      risk: 'Its files and volumes must belong to that uid',
    },
    {
      action: `Or a user namespace of its own${pod === null ? '' : ' (hostUsers: false)'}: the same uid is counted apart in it`,
      effect: 'Counted by uid and user namespace since Linux 5.14; before, by the uid outside',
      risk: 'Volumes need the mapped owner; user namespaces expose more of the kernel',
    },
    ...(tasks === undefined
      ? []
      : [
          {
            action: 'Or limit tasks by the pids cgroup, which counts one container, and lift RLIMIT_NPROC',
            command: isEngine
              ? `${engine} run --pids-limit 256 --ulimit nproc=-1 …`
              : `prlimit --pid ${tasks.process ?? '<pid>'} --nproc=unlimited:unlimited`,
            effect: 'Each container has a limit of its own',
            risk: 'Without a pids limit nothing stops a fork bomb then',
          },
        ]),
    ...(inotify === undefined
      ? []
      : [raise('instances', inotify, 'Room for all of them, at about 1 KiB of kernel memory each')]),
    ...(watches === undefined
      ? []
      : [
          raise(
            'watches',
            watches,
            'Room for all of them, at about 1 KiB of kernel memory each while in use',
          ),
        ]),
  ];
}

const raise = (what: 'instances' | 'watches', { total }: Used, effect: string): Fix => ({
  action: `Or raise the limit of inotify ${what} for all uids of the host`,
  command: `sysctl fs.inotify.max_user_${what}=${total * 4}`,
  effect,
  risk: 'Host-wide; put it into /etc/sysctl.d to keep it',
});
