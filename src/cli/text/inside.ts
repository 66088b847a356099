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
