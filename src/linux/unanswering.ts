import type { Mount } from './proc/mountinfo.ts';

/** stat(2) on these asks a server or a process, which may never answer. */
const remoteTypes =
  /^(nfs|nfs4|cifs|smb3|ceph|9p|afs|lustre|glusterfs|virtiofs|autofs|fuse(?!\.fuse-overlayfs$|\.lxcfs$).*)$/;

export const isRemote = ({ type }: Mount): boolean => remoteTypes.test(type);

/** Whether a path is on, or is the place of, a mount whose server may never answer. */
export const unanswering = (mounts: readonly Mount[]): ((path: string) => boolean) => {
  const remote = mounts.filter(isRemote).map(({ mountPoint }) => mountPoint);
  return path =>
    remote.some(point => path === point || (point !== '/' && path.startsWith(`${point}/`)) || point === '/');
};
