import { givenByHost, isEngineSocket, isKernelFileSystem } from '../../diagnose/host-paths.ts';
import { capabilityName } from '../../linux/capabilities.ts';
import type { DeviceRule } from '../../linux/cgroup/devices.ts';
import { orElse } from '../../linux/reading.ts';
import type { ContainerFacts, IsolationFacts, ProcessFacts } from '../../observe/observation.ts';
import type { Page } from './finding.ts';
import { field, known } from './section.ts';

/** Who root is, what it may do, what it can reach. */
export function privilegeSections(
  facts: Pick<ContainerFacts, 'processes' | 'container' | 'isolation' | 'openDevices'>,
  page: Page,
): readonly string[] {
  const { processes, container, isolation } = facts;
  const init = processes.find(({ pid }) => pid === container.init);
  const lines =
    init === undefined
      ? []
      : credentials(init, isolation.present && !isolation.value.userNamespaceIsHost, page);
  if (!isolation.present)
    return [
      ...lines,
      field(
        'mounts',
        known(isolation, () => ''),
        page,
      ),
    ];
  const { uidMap, userNamespaceIsHost, securityLabel } = isolation.value;
  const map = uidMap
    .map(({ inside, outside, count }) => `${inside}–${inside + count - 1} → ${outside}`)
    .join(', ');
  return [
    ...lines,
    field('user map', userNamespaceIsHost ? `none: the host's user namespace` : map, page),
    field('LSM profile', sayLabel(securityLabel), page),
    field('mounts', sayMounts(isolation.value), page),
    field('leads out', sayWaysOut(isolation.value), page),
    field('devices', sayDevices(isolation.value, orElse(facts.openDevices ?? none, [])), page),
  ];
}

const none = { present: true, value: [] } as const;

/** In a user namespace of its own capabilities count for what that namespace owns, and for nothing of the host. */
function credentials({ status }: ProcessFacts, areConfined: boolean, page: Page): readonly string[] {
  const { uid, capabilities, seccomp, noNewPrivileges } = status;
  const { effective, bounding } = capabilities;
  const gains = noNewPrivileges ? [] : bounding.filter(number => !effective.includes(number));
  return [
    field('user', `uid ${uid.effective} on the host${noNewPrivileges ? ', no_new_privs' : ''}`, page),
    field(
      'capabilities',
      names(effective) +
        (areConfined && effective.length > 0 ? ', in its own user namespace alone' : '') +
        (gains.length === 0 ? '' : `; by exec it could gain ${names(gains)}`),
      page,
    ),
    field(
      'seccomp',
      known(seccomp, mode => ['none', 'strict', 'filter'][mode] ?? `mode ${mode}`),
      page,
    ),
  ];
}

/** As many as a container can have by its engine's default are named; of nearly all those that are missing. */
function names(numbers: readonly number[]): string {
  if (numbers.length === 0) return 'none';
  const all = Array.from({ length: Math.max(...numbers) + 1 }, (_, number) => number);
  const missing = all.filter(number => !numbers.includes(number));
  if (numbers.length > 30)
    return `all ${numbers.length}${missing.length === 0 ? '' : ` but ${missing.map(capabilityName).join(' ')}`}`;
  return numbers.map(capabilityName).join(' ');
}

const sayLabel = (label: IsolationFacts['securityLabel']): string =>
  label.present ? label.value : label.because === 'disabled' ? 'none on this host' : known(label, String);

const shown = 8;
const andMore = (count: number): string => (count > shown ? `, ${count - shown} more` : '');

function sayMounts({ mounts }: IsolationFacts): string {
  const real = mounts.filter(mount => !isKernelFileSystem(mount) && mount.type !== 'tmpfs');
  const said = real.slice(0, shown).map(({ mountPoint, type, options }) => {
    const writable = options.includes('rw') ? 'rw' : 'ro';
    return `${mountPoint} (${type} ${writable})`;
  });
  return `${mounts.length}; on disks: ${said.join(', ') || 'none'}${andMore(real.length)}`;
}

/** Mounts whose files the host has too: through them it reads, or changes, what is not its own. */
function sayWaysOut({ hostMounts }: IsolationFacts): string {
  const given = [...givenByHost(hostMounts)].sort((a, b) => Number(b.writable) - Number(a.writable));
  const said = given.slice(0, shown).map(mount => {
    const where = mount.mountPoint === mount.hostPath ? '' : ` on ${mount.mountPoint}`;
    return `${mount.hostPath} of the host${where} (${mount.writable ? 'rw' : 'ro'}${isEngineSocket(mount) ? ", an engine's socket" : ''})`;
  });
  return given.length === 0 ? 'no mount' : `${said.join(', ')}${andMore(given.length)}`;
}

function sayDevices(
  { hostDevices, deviceRules }: IsolationFacts,
  open: readonly { readonly path: string }[],
): string {
  return [
    deviceRules.present
      ? `may open ${sayRules(deviceRules.value)}`
      : 'an eBPF program decides which it may open',
    hostDevices.length === 0
      ? 'no node of a disk or of memory'
      : `nodes of disks or memory: ${hostDevices.slice(0, shown).join(', ')}${andMore(hostDevices.length)}`,
    ...(open.length === 0 ? [] : [`open now: ${open.map(({ path }) => path).join(', ')}`]),
  ].join('; ');
}

function sayRules(rules: readonly DeviceRule[]): string {
  if (rules.some(({ type, major }) => type === 'all' && major === null)) return 'every device';
  const opened = rules.filter(({ read, write }) => read || write);
  const numbers = opened.map(
    ({ type, major, minor }) => `${type === 'block' ? 'b' : 'c'} ${major ?? '*'}:${minor ?? '*'}`,
  );
  return numbers.length === 0 ? 'none' : `${numbers.slice(0, shown).join(', ')}${andMore(numbers.length)}`;
}
