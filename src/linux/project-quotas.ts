import type { KernelFiles } from './files.ts';
import { orElse } from './reading.ts';

/**
 * Whether this kernel can hold directories to project quotas there: ext4 needs the format of vfsv1 (CONFIG_QFMT_V2, a
 * module of most distributions), XFS was built with its own (CONFIG_XFS_QUOTA: /proc/fs/xfs/xqm, once it is loaded).
 */
export function knowsProjectQuotas(files: KernelFiles, type: string): boolean {
  if (type === 'xfs' && files.status('/proc/fs/xfs/stat').present)
    return files.status('/proc/fs/xfs/xqm').present;
  const modules = `/lib/modules/${orElse(files.read('/proc/sys/kernel/osrelease'), '').trim()}`;
  const listed = ['modules.dep', 'modules.builtin']
    .map(name => orElse(files.read(`${modules}/${name}`), ''))
    .join('\n');
  const has = (module: string): boolean => new RegExp(`^kernel/fs/${module}\\.ko`, 'm').test(listed);
  // Whoever builds formats of quotas builds XFS with its own.
  return has('quota/quota_v2') && (type === 'ext4' || has(`${type}/${type}`));
}
