import type { BlockedTask, ProcessFacts } from '../../../observe/observation.ts';

/** What a task waits for, as far as the functions on its kernel stack tell. */
export type WaitKind =
  | 'memory-oom'
  | 'memory-high'
  | 'network-files'
  | 'fuse'
  | 'frozen-files'
  | 'vfork'
  | 'disk'
  | 'lock'
  | 'unknown';

export interface Stuck {
  readonly process: ProcessFacts;
  readonly task: BlockedTask;
}

/** Tasks that wait for the same thing in the same function. */
export interface WaitGroup {
  readonly kind: WaitKind;
  /** Undefined when the kernel does not tell this reader. */
  readonly channel: string | undefined;
  readonly tasks: readonly [Stuck, ...Stuck[]];
}

/** The first that fits: a lock or a disk under a network file system is the network file system's. */
const signs: readonly (readonly [WaitKind, RegExp])[] = [
  ['memory-oom', /^mem_cgroup_oom_synchronize$/],
  ['memory-high', /^(__)?mem_cgroup_handle_over_high$/],
  ['network-files', /^_?_?(rpc|nfs\d?|xprt|cifs|smb2?|ceph|p9|v9fs)_/],
  ['fuse', /^(__)?fuse_|^request_wait_answer$/],
  [
    'disk',
    /^(io_schedule|submit_bio_wait|wait_on_page_bit|wait_on_buffer|balance_dirty_pages|blkdev_|folio_wait_|jbd2_|xfs_|btrfs_|rq_qos_wait|blk_|bit_wait_io)/,
  ],
  ['lock', /mutex_lock|rwsem_down|percpu_rwsem|percpu_down|^down_|_lock_slow/],
];

/** fork, exec and exit take a lock of the same kind while tasks move between cgroups. */
const cgroupLock = /^(copy_process|begin_new_exec|exit_signals|cgroup_)/;
const vfork = /^(kernel_clone|_?do_fork|wait_for_vfork_done)$/;
const percpuWait = /^(percpu_rwsem_wait|__percpu_down_read)$/;

export function kindOf({ waitChannel, stack }: BlockedTask): WaitKind {
  const functions = [
    ...(waitChannel.present ? [waitChannel.value] : []),
    ...(stack.present ? stack.value : []),
  ];
  const has = (sign: RegExp): boolean => functions.some(name => sign.test(name));
  // Every fork passes through this function; only for vfork it is where the task sleeps.
  if (functions[0] !== undefined && vfork.test(functions[0])) return 'vfork';
  // The only per-cpu semaphores that are held for long are those of a frozen file system.
  if (has(percpuWait) && !has(cgroupLock)) return 'frozen-files';
  return signs.find(([, sign]) => has(sign))?.[0] ?? 'unknown';
}

/** Groups of stuck tasks, the largest first. */
export function groupWaits(processes: readonly ProcessFacts[]): readonly WaitGroup[] {
  const stuck = processes.flatMap(process => (process.blocked ?? []).map(task => ({ process, task })));
  const keyOf = ({ task }: Stuck): string =>
    `${kindOf(task)} ${task.waitChannel.present ? task.waitChannel.value : ''}`;
  return [...Map.groupBy(stuck, keyOf).values()]
    .flatMap(([first, ...rest]): WaitGroup[] =>
      first === undefined
        ? []
        : [
            {
              kind: kindOf(first.task),
              channel: first.task.waitChannel.present ? first.task.waitChannel.value : undefined,
              tasks: [first, ...rest],
            },
          ],
    )
    .toSorted((a, b) => b.tasks.length - a.tasks.length);
}

/** The process that a parent in vfork waits for. */
export const childOf = ({ process }: Stuck, processes: readonly ProcessFacts[]): ProcessFacts | undefined =>
  processes.find(({ status }) => status.parent === process.pid && status.state !== 'Z');
