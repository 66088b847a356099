import { isKernelFileSystem } from '../../diagnose/host-paths.ts';
import { capabilityName } from '../../linux/capabilities.ts';
import type { ContainerFacts, ProcessFacts } from '../../observe/observation.ts';
import type { Page } from './finding.ts';
import { formatBytes } from './quantity.ts';
import { field, known } from './section.ts';

export function processSection({ processes, container }: ContainerFacts, page: Page): string {
  const init = processes.find(({ pid }) => pid === container.init);
  const states = new Map<string, number>();
  for (const { status } of processes) states.set(status.state, (states.get(status.state) ?? 0) + 1);
  const counted = [...states].map(([state, count]) => `${count} ${stateNames[state] ?? state}`).join(', ');
  const threads = processes.reduce((sum, { status }) => sum + status.threads, 0);
  const first = init === undefined ? '' : `; PID 1 is ${commandOf(init)}`;
  return field('processes', `${processes.length}, ${threads} threads (${counted || 'none'})${first}`, page);
}

const stateNames: Readonly<Record<string, string>> = {
  R: 'running',
  S: 'sleeping',
  D: 'in uninterruptible sleep',
  Z: 'zombie',
  T: 'stopped',
  t: 'traced',
  I: 'idle',
};

const commandOf = ({ commandLine, status }: ProcessFacts): string => {
  const text = commandLine.join(' ');
  return text === '' ? status.name : text.length > 120 ? `${text.slice(0, 119)}…` : text;
};

/** Who root is, what it may do, what it can reach. */
export function privilegeSections(
  { processes, container, isolation }: ContainerFacts,
  page: Page,
): readonly string[] {
  const init = processes.find(({ pid }) => pid === container.init);
  const lines: string[] = [];
  if (init !== undefined) {
    const { uid, capabilities, seccomp, noNewPrivileges } = init.status;
    const effective = capabilities.effective.map(capabilityName);
    lines.push(
      field('user', `uid ${uid.effective} on the host${noNewPrivileges ? ', no_new_privs' : ''}`, page),
      field('capabilities', effective.length === 0 ? 'none' : effective.join(' '), page),
      field(
        'seccomp',
        known(seccomp, mode => ['none', 'strict', 'filter'][mode] ?? `mode ${mode}`),
        page,
      ),
    );
  }
  if (!isolation.present)
    return [
      ...lines,
      field(
        'mounts',
        known(isolation, () => ''),
        page,
      ),
    ];
  const { uidMap, userNamespaceIsHost, mounts, hostDevices } = isolation.value;
  const map = uidMap
    .map(({ inside, outside, count }) => `${inside}–${inside + count - 1} → ${outside}`)
    .join(', ');
  const real = mounts.filter(mount => !isKernelFileSystem(mount) && mount.type !== 'tmpfs');
  const shown = real.slice(0, 8).map(({ mountPoint, type, options }) => {
    const writable = options.includes('rw') ? 'rw' : 'ro';
    return `${mountPoint} (${type} ${writable})`;
  });
  lines.push(
    field('user map', userNamespaceIsHost ? `none: the host's user namespace` : map, page),
    field(
      'mounts',
      `${mounts.length}; on disks: ${shown.join(', ') || 'none'}${real.length > 8 ? `, ${real.length - 8} more` : ''}`,
      page,
    ),
    field('host devices', hostDevices.length === 0 ? 'none' : hostDevices.join(', '), page),
  );
  return lines;
}

export function networkSection({ network }: ContainerFacts, page: Page): readonly string[] {
  const listeners = known(network.listeners, list =>
    list.length === 0
      ? 'nothing listens on TCP'
      : `listens on ${list
          .map(
            ({ address, port, queued, backlog }) =>
              `${address.includes(':') ? `[${address}]` : address}:${port} (${queued}/${known(backlog, String)} queued)`,
          )
          .join(', ')}`,
  );
  return [field('network', listeners, page)];
}

export function openFilesSection({ unlinkedFiles }: ContainerFacts, page: Page): readonly string[] {
  if (!unlinkedFiles.present)
    return [
      field(
        'deleted files',
        known(unlinkedFiles, () => ''),
        page,
      ),
    ];
  if (unlinkedFiles.value.length === 0) return [];
  const text = unlinkedFiles.value
    .slice(0, 5)
    .map(
      ({ path, allocated, pid, descriptor }) =>
        `${path} ${formatBytes(allocated)} (pid ${pid} fd ${descriptor})`,
    );
  return [field('deleted files', `kept open: ${text.join(', ')}`, page)];
}
