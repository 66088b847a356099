import type { KernelFiles } from '../linux/files.ts';
import { readInitialNamespaces, readNamespaces } from '../linux/namespaces.ts';
import { hostPid } from '../linux/units.ts';
import type { Container } from './container.ts';

/** How somebody says that a packet starts at this machine itself: `diagnose host --to web-1:80`. */
export const hostSelector = 'host';

/**
 * This machine as where packets start, in the form that containers have: the namespaces of PID 1, or of this process where
 * nobody may look at PID 1, and no cgroup. Only the way of packets is asked of it.
 */
export const hostAsStart = (files: KernelFiles): Container => ({
  id: hostSelector,
  name: hostSelector,
  engine: 'bare',
  state: 'running',
  init: hostPid(readNamespaces(files, hostPid(1)).present ? 1 : process.pid),
  startedAt: null,
  image: null,
  cgroups: {},
  sharedCgroups: [],
  namespaces: readInitialNamespaces(files),
  labels: {},
  pod: null,
  exit: null,
});

export const isHostStart = ({ id }: Pick<Container, 'id'>): boolean => id === hostSelector;
