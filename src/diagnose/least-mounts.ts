import type { HostMount } from '../observe/observation.ts';
import type { OutsideFile } from '../observe/outside-use.ts';
import { isHostRoot } from './host-paths.ts';
import { shellWord } from './wording.ts';

/** A path of the host as it would be enough to mount it. */
export interface LeastMount {
  readonly hostPath: string;
  readonly mountPoint: string;
  readonly readOnly: boolean;
}

const directoryOf = (path: string): string => path.slice(0, Math.max(1, path.lastIndexOf('/')));
const join = (directory: string, path: string): string =>
  `${directory === '/' ? '' : directory}${path === '/' ? '' : path}` || '/';

/** As many directories are worth a mount each. */
const most = 4;

/**
 * Writable only where a file is open for writing now; in place of the host's whole root the directories of such files.
 * What was written and closed before the look is not known here.
 */
export function leastMounts(
  mounts: readonly HostMount[],
  files: readonly OutsideFile[],
): readonly LeastMount[] {
  return mounts.flatMap(mount => {
    const { mountPoint, hostPath } = mount;
    const written = files.filter(file => file.mountPoint === mountPoint);
    if (!isHostRoot(mount)) return [{ hostPath, mountPoint, readOnly: written.length === 0 }];
    const below = written.map(({ path }) =>
      directoryOf(mountPoint === '/' ? path : path.slice(mountPoint.length)),
    );
    return [...new Set(below)].slice(0, most).map(directory => ({
      hostPath: directory,
      mountPoint: join(mountPoint, directory),
      readOnly: false,
    }));
  });
}

/** `--volume /srv:/data:ro` */
export const volumeFlags = (mounts: readonly LeastMount[]): readonly string[] =>
  mounts.map(
    ({ hostPath, mountPoint, readOnly }) =>
      `--volume ${shellWord(`${hostPath}:${mountPoint}${readOnly ? ':ro' : ''}`)}`,
  );

/** `volumeMounts: [{mountPath: /data, readOnly: true}]` */
export const volumeMounts = (mounts: readonly LeastMount[]): string =>
  `volumeMounts: [${mounts.map(({ mountPoint, readOnly }) => `{mountPath: ${mountPoint}, readOnly: ${readOnly}}`).join(', ')}]`;
