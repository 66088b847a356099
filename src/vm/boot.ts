import { cacheDirectory } from './cache.ts';
import { guestProject, prepareProject, prepareRoot } from './images.ts';

export { guestProject };

import { prepareInitramfs } from './initramfs.ts';
import { prepareKernel, UnfitKernel } from './kernel.ts';
import { bootMachine, type Machine } from './machine.ts';
import type { CgroupVersion } from './qemu.ts';

export interface BootOptions {
  /** The checkout, built: its bundle and sources are in the guest under /srv/glassbox. */
  readonly project: string;
  readonly cgroups: CgroupVersion;
  /** The kernel's release series, `6.12`; that of this machine's Debian when left out. */
  readonly linux?: string | undefined;
  /** Files and directories of the checkout that are to be there too. */
  readonly also?: readonly string[];
  readonly memoryMebibytes?: number;
  /** One is the fastest: emulated CPUs take turns. */
  readonly cpus?: number;
  readonly possibleCpus?: number;
  /** What it is doing, for the person who waits. */
  readonly progress?: (doing: string) => void;
  /** Rejects at once when it is aborted, also in the middle of a download; a guest that runs is ended. */
  readonly stop?: AbortSignal;
}

/** Everything that is made once: downloads Debian's kernel, makes the images. Later calls only look whether files changed. */
async function prepare(
  cache: string,
  { project, cgroups, linux, also = [] }: BootOptions,
  progress: (doing: string) => void,
) {
  progress("fetching Debian's kernel");
  const kernel = await prepareKernel(cache, linux);
  if (kernel.onlyV2 && cgroups !== 'v2')
    throw new UnfitKernel(
      `Debian built Linux ${kernel.release} without the cgroup v1 controllers memory and cpuset, so with cgroup ${cgroups} no lab could run; it can be had with v2`,
    );
  const initramfs = await prepareInitramfs(cache, kernel);
  progress('making the disk images');
  const root = await prepareRoot(cache);
  const layer = await prepareProject(cache, project, also);
  return { kernel: kernel.image, initramfs, disks: { root, project: layer, modules: kernel.modules } };
}

/** Emulation boots in 3 to 5 s on an idle machine; on a busy one it may be many times that. */
const bootMs = 240_000;

/** A virtual machine with Debian's kernel, this machine's tools and the project in it. */
export async function bootVm(options: BootOptions): Promise<Machine> {
  const {
    project,
    cgroups,
    memoryMebibytes = 1536,
    cpus = 1,
    possibleCpus = 1,
    progress = () => {},
    stop,
  } = options;
  stop?.throwIfAborted();
  const cache = cacheDirectory(project);
  const prepared = await unlessStopped(stop, prepare(cache, options, progress));
  progress('booting');
  return bootMachine({
    ...prepared,
    cgroups,
    memoryMebibytes,
    cpus,
    possibleCpus,
    cache,
    bootMs,
    stop,
    accelerator: 'tcg',
    workDiskBytes: 6 * 1024 ** 3,
  });
}

/** What goes on meanwhile ends with this process. */
function unlessStopped<T>(stop: AbortSignal | undefined, work: Promise<T>): Promise<T> {
  if (stop === undefined) return work;
  const stopped = new Promise<never>((_, reject) =>
    stop.addEventListener('abort', () => reject(stop.reason), { once: true }),
  );
  return Promise.race([work, stopped]);
}
