import type { CgroupLimits } from '../linux/cgroup/limits.ts';
import type { CgroupVersion, Controller } from '../linux/cgroup/model.ts';
import type { NamespaceKind } from '../linux/namespaces.ts';
import type { Bytes, HostPid } from '../linux/units.ts';
import type { LabNetwork } from './network/network.ts';

/**
 * An experiment: a healthy twin, the problem, the fix, in real containers. The runner starts each stage, lets
 * the users' own diagnosis look at it, reads the figures, and takes everything down.
 */
export interface Lab {
  /** What it makes and touches, said before it starts; ends with "changes nothing else" when true. */
  readonly makes: string;
  /** Rough duration of the whole run in seconds, for the person who waits. */
  readonly seconds: number;
  readonly needs: readonly LabNeed[];
  readonly healthy: Scenario;
  readonly problem: Scenario;
  readonly fix: FixStep;
  /** Countable quantities, read after the diagnosis of each stage. At least one must differ between problem and the rest. */
  readonly figures: readonly FigureReader[];
  /** A measurement beside the experiment, made once it has ended, whatever came of it. */
  readonly table?: LabTable;
}

/** Figures for people to compare; nothing is concluded from them. */
export interface LabTable {
  /** What was measured, and in which unit. */
  readonly title: string;
  readonly columns: readonly string[];
  measure(bench: LabBench): Promise<readonly LabRow[]>;
  /** What that means to somebody who asks, in a sentence or two. */
  say?(rows: readonly LabRow[]): string;
}

export interface LabRow {
  readonly name: string;
  /** One for each column. */
  readonly values: readonly number[];
}

export interface Scenario {
  /** The stage in a few words: `quota 50 ms per 100 ms`. */
  readonly says: string;
  /** Resolves once the workload is in the state to be diagnosed (its program said so). */
  start(bench: LabBench): Promise<LabContainer>;
}

export interface FixStep {
  readonly says: string;
  /** Mends the broken container in place, or stops it and returns the one that takes its place. */
  apply(bench: LabBench, broken: LabContainer): Promise<LabContainer>;
}

export interface FigureReader {
  readonly name: string;
  readonly unit: 'count' | 'bytes' | 'us' | 'percent';
  read(container: LabContainer): number | Promise<number>;
}

/** What a lab cannot do without; an unmet one skips the lab and says the remedy. */
export type LabNeed =
  | { readonly kind: 'controller'; readonly controller: Controller; readonly version?: CgroupVersion }
  /** A real disk (not tmpfs) under the work directory with that much room. */
  | { readonly kind: 'disk'; readonly free: Bytes }
  /** A kernel that can swap, and a disk under the work directory whose file system takes swap files. */
  | { readonly kind: 'swap'; readonly size: Bytes }
  /** Loop devices, a disk for the file behind one, and a file system that the kernel has and mkfs can make. */
  | { readonly kind: 'filesystem'; readonly size: Bytes; readonly type?: LabFilesystemType }
  /** A way to slow write-back to one device down: blkio of cgroup v1. */
  | { readonly kind: 'slow-disk' }
  /** A limit on dirty pages for one device alone. */
  | { readonly kind: 'dirty-limit' }
  | { readonly kind: 'cpus'; readonly count: number }
  /** CPUs that the kernel has per-CPU data for, online or not: a virtual machine can have many of them. */
  | { readonly kind: 'possible-cpus'; readonly count: number }
  /** A machine that may be driven out of memory or crash: the virtual machine says of itself that it is one. */
  | { readonly kind: 'disposable-host' }
  /** Huge pages that can be set aside for it. */
  | { readonly kind: 'huge-pages'; readonly count: number }
  /** Transparent huge pages for programs that ask for them, and for no others. */
  | { readonly kind: 'transparent-huge-pages' }
  /** A host program and the Debian package that has it. */
  | { readonly kind: 'program'; readonly name: string; readonly package: string };

export type LabEngine = 'bare' | 'docker';

/** What a scenario builds with. Everything it hands out is journalled first and taken down by the runner. */
export interface LabBench {
  readonly engine: LabEngine;
  container(spec: ContainerSpec): Promise<LabContainer>;
  /** A new, empty directory on a real disk that containers may be given; writable by the lab's user. */
  directory(name: string): Promise<string>;
  /** A swap file of this size, once in a run and until its end. The lab's `makes` has to say so: all the host may use it. */
  swap(size: Bytes): Promise<void>;
  /** An empty network of hosts, routers and cables that containers can be linked to; it touches nothing of the host's own. */
  network(): Promise<LabNetwork>;
  /**
   * A new file system of its own on a loop device, mounted until the run ends, for `binds`; writable by the lab's
   * user. The lab's `makes` has to name it, and `needs` to list `filesystem`, and `slow-disk` with `slow`.
   */
  filesystem(spec: LabFilesystemSpec): Promise<LabFilesystem>;
  /** An overlay mounted on the host until the run ends, for `binds`, as an image's layers are. The lab's `makes` has to name it. */
  overlay(spec: LabOverlaySpec): Promise<LabOverlay>;
  /** Waits until no other lab has the host's values in hand, and keeps them until the run ends. */
  tuneHost(): Promise<HostTuning>;
}

export interface LabOverlaySpec {
  readonly name: string;
  /** Lower layers; at least 1. */
  readonly layers: number;
  /** A directory of the lab's own file system for the upper layer; a real disk by default. */
  readonly within?: string;
  /** In the lowest layer; the lab's user's. */
  readonly files: readonly { readonly name: string; readonly size: Bytes }[];
}

export interface LabOverlay {
  /** On the host: the whole as containers see it. */
  readonly directory: string;
  /** Where what is written goes. */
  readonly upper: string;
}

export interface LabFilesystemSpec {
  readonly name: string;
  readonly size: Bytes;
  /** ext4 by default, without blocks reserved for root. */
  readonly type?: LabFilesystemType;
  /** Inodes in all; ext4 alone. */
  readonly inodes?: number;
  /** Mount options, beside nosuid and nodev. */
  readonly options?: readonly string[];
  /** With project quotas switched on, for `limitTree`; ext4 and XFS. */
  readonly projects?: true;
  /**
   * Bytes per second that the kernel's threads read and write there: write-back of the page cache, the journal. What a
   * container issues itself (direct I/O, reads, fsync of its own pages) is not slowed down: v1's limits are flat.
   */
  readonly slow?: number;
  /** Bytes in the page cache that may wait to be written there before writers have to wait, whatever the host allows. */
  readonly dirtyLimit?: number;
}

export type LabFilesystemType = 'ext4' | 'xfs' | 'btrfs';

export interface LabFilesystem {
  /** On the host. */
  readonly directory: string;
  /** `7:0`, as cgroups name it. */
  readonly device: string;
  /** `/dev/loop0` */
  readonly path: string;
  /** Makes a directory in it, the lab's user's, as a volume of several on one disk is; answers with its path. */
  subdirectory(name: string): string;
  /** Makes an empty directory in it a project with a hard limit, as engines do for layers and volumes with a size. */
  limitTree(directory: string, project: number, hard: Bytes): void;
  /** Sets another rate; `max` for as fast as it goes. */
  slow(rate: number | 'max'): void;
  /** Sets another limit on its dirty pages; `max` for what the host allows. */
  limitDirty(limit: number | 'max'): void;
}

export interface HostTuning {
  /**
   * Sets a net.* value of the host's own network namespace, or vm.nr_hugepages, until the run ends. The lab's `makes`
   * has to say so.
   */
  set(name: string, value: string): void;
}

export interface ContainerSpec {
  /** Short and telling; becomes the container's host name and so its name in `ps`: `zombies`. */
  readonly name: string;
  readonly program: LabProgram;
  readonly limits?: Limits;
  /** Put on a cgroup *above* the container's own, so that an ancestor limits it. */
  readonly parentLimits?: Limits;
  /**
   * unprivileged (default): an own uid without capabilities, no_new_privs; or the same with a uid of one's choice. root:
   * uid 0 of the host with Docker's default capabilities.
   */
  readonly user?: LabUser;
  /** What root in it may do, in place of Docker's default: `['CHOWN', 'NET_BIND_SERVICE']`. */
  readonly capabilities?: readonly string[];
  /** System calls by name that a seccomp filter answers with EPERM; one that this machine does not have is left out. */
  readonly deniedCalls?: readonly string[];
  /** As `docker run --privileged`: root with every capability, all devices, and kernel files to write. */
  readonly privileged?: boolean;
  /** RLIMIT_NPROC of all in it, which the kernel compares with the tasks of the uid, wherever they are. */
  readonly processLimit?: number;
  /** Namespaces shared with the host; all others are its own. */
  readonly share?: readonly NamespaceKind[];
  readonly binds?: readonly {
    readonly source: string;
    readonly target: string;
    readonly writable: boolean;
  }[];
  /** net.* of its own network namespace, set at creation. */
  readonly sysctls?: Readonly<Record<string, string>>;
  /** Size of its /dev/shm; 64 MiB by default, as Docker does. */
  readonly sharedMemorySize?: Bytes;
}

export type LabUser = 'unprivileged' | 'root' | { readonly uid: number };

/** PID 1. Programs are TypeScript run by Node as it is, or shell; they print lines to say how far they are. */
export type LabProgram =
  | { readonly kind: 'node'; readonly file: URL; readonly args?: readonly string[] }
  | { readonly kind: 'shell'; readonly script: string };

/**
 * Labs set a memory and a pids limit by default (256 MiB, 128 tasks), so that a bug stays inside. Memory and swap together
 * are as much as `memory` by default, which is no swap; with `cpuShares` the lab's own levels above get the highest,
 * so that they count against the whole host.
 */
export type Limits = CgroupLimits;

export interface LabContainer {
  readonly name: string;
  /** How `diagnose` is asked about it: `pid:4711`, or a Docker id. */
  readonly selector: string;
  readonly init: HostPid;
  /** Its cgroup directory on the host, per controller that the host has. */
  readonly directories: Readonly<Partial<Record<Controller, string>>>;
  /** The directory of the cgroup above, when `parentLimits` made one. */
  readonly parentDirectories: Readonly<Partial<Record<Controller, string>>>;
  /** Waits until its program has printed a line that matches; rejects with all its output when it ends first or time is up. */
  line(pattern: RegExp, timeoutMs?: number): Promise<string>;
  /** Writes a line to its program's standard input. */
  say(line: string): void;
  /** Runs a command of the host's inside its namespaces (host binaries, container's network, pids, ipc). */
  run(
    command: readonly string[],
    namespaces: readonly NamespaceKind[],
  ): Promise<{ readonly code: number; readonly output: string }>;
  setLimits(limits: Limits): Promise<void>;
  /** Kills it and removes what it had. */
  stop(): Promise<void>;
}
