import type { CommonFacts } from '../../../diagnose/facts.ts';
import { type LeastMount, volumeFlags, volumeMounts } from '../../../diagnose/least-mounts.ts';
import { leastPrivilege } from '../../../diagnose/least-privilege.ts';
import type { Fix } from '../../../diagnose/verdict.ts';
import type { WayOut } from '../../../diagnose/ways-out.ts';
import type { Reading } from '../../../linux/reading.ts';
import type { CapabilitiesResult } from '../../../trace/instruments/capabilities/result.ts';

/** Closing what stands open first, then another user, then a user namespace. */
export function fixesFor(
  { engine, pod }: CommonFacts['container'],
  ways: readonly WayOut[],
  mounts: readonly LeastMount[] | null,
  trace: Reading<CapabilitiesResult>,
): readonly Fix[] {
  const has = (remedy: WayOut['remedy']): boolean => ways.some(way => way.remedy === remedy);
  const closing: readonly (Fix & { readonly when: boolean })[] = [
    {
      when: has('mount'),
      ...readOnly(engine, pod !== null, mounts),
      effect: 'It can no longer leave files of root on the host',
      risk: 'A program that must write there fails with EROFS',
    },
    {
      when: has('device'),
      action: 'Drop CAP_MKNOD, and forbid block devices in its devices cgroup',
      effect: 'Disks are out of reach, whatever nodes it has',
      risk: 'Programs that make device nodes fail with EPERM',
    },
    {
      when: has('capability'),
      ...leastPrivilege({ engine, pod }, { capabilities: trace.present ? trace.value.used : null }),
      effect: 'Being uid 0 then gives it files, not the kernel',
      risk: `A call that needs ${trace.present ? 'another' : 'one of them'} fails with EPERM; security/capability-missing tells which`,
    },
    {
      when: has('kernel-files'),
      action: 'Mount /proc/sys and /sys read-only in there, as engines do by default',
      effect: 'Settings of the kernel cannot be changed from inside',
      risk: 'Programs that set sysctls themselves need them set at creation (`--sysctl`)',
    },
  ];
  return [
    ...closing.filter(({ when }) => when).map(({ when: _, ...fix }) => fix),
    {
      action:
        pod === null
          ? 'Run it as another user'
          : 'Run it as another user: securityContext: {runAsNonRoot: true, runAsUser: 10001, allowPrivilegeEscalation: false}',
      ...(pod === null && (engine === 'docker' || engine === 'podman')
        ? { command: `${engine} run --user 10001:10001 --security-opt no-new-privileges …` }
        : {}),
      ...(engine === 'bare'
        ? { command: 'setpriv --reuid 10001 --regid 10001 --clear-groups --no-new-privs …' }
        : {}),
      effect: 'No process in there is root anywhere',
      risk: 'Files of root in its image or volumes need another owner; ports below 1024 a sysctl',
    },
    {
      action: `Keep root inside but map it to a user without rights: ${mapping(engine, pod !== null)}`,
      effect: 'uid 0 inside owns nothing outside; its capabilities end at its namespaces',
      risk: 'Volumes need the mapped owner; user namespaces expose more of the kernel',
    },
  ];
}

/** Writable are those alone to which something was being written. */
function readOnly(
  engine: CommonFacts['container']['engine'],
  isPod: boolean,
  mounts: readonly LeastMount[] | null,
): Pick<Fix, 'action' | 'command'> {
  const action = 'Mount the paths of the host read-only (`:ro`), or use a volume';
  if (mounts === null || mounts.length === 0) return { action };
  const kept = mounts.filter(mount => !mount.readOnly).map(({ hostPath }) => hostPath);
  const but = kept.length === 0 ? '' : `, but for ${kept.join(', ')}, to which it writes now`;
  if (isPod) return { action: `${action}${but}: ${volumeMounts(mounts)}` };
  return engine === 'docker' || engine === 'podman'
    ? { action: `${action}${but}`, command: `${engine} run ${volumeFlags(mounts).join(' ')} …` }
    : { action: `${action}${but}` };
}

function mapping(engine: CommonFacts['container']['engine'], isPod: boolean): string {
  if (isPod) return 'hostUsers: false in the pod spec';
  if (engine === 'docker') return 'userns-remap in /etc/docker/daemon.json';
  if (engine === 'podman') return '--userns=auto';
  return 'a user namespace (unshare --user --map-users)';
}
