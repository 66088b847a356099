import type { ContainerSpec, LabUser } from './lab.ts';

/** The uid and gid of unprivileged lab programs: no account, no sub-uid range, no other container's by chance. */
export const labUser = 64321;

/** Undefined for root, which keeps its own. */
export const uidOf = (user: LabUser = 'unprivileged'): number | undefined =>
  user === 'root' ? undefined : user === 'unprivileged' ? labUser : user.uid;

export const isRoot = ({ user, privileged = false }: ContainerSpec): boolean => privileged || user === 'root';
