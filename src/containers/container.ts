import type { Controller } from '../linux/cgroup/model.ts';
import type { Namespaces } from '../linux/namespaces.ts';
import type { CgroupPath, HostPid } from '../linux/units.ts';

export const engineNames = [
  'docker',
  'containerd',
  'cri-o',
  'podman',
  'lxc',
  'nspawn',
  'runc',
  'crun',
  'bare',
] as const;
export type EngineName = (typeof engineNames)[number];

/** A container as Glassbox knows it, whoever made it. Plain data. */
export interface Container {
  /** The engine's id; for a bare one `pid-<host pid of init>`. Unique within an observation. */
  readonly id: string;
  readonly name: string;
  readonly engine: EngineName;
  readonly state: 'running' | 'exited';
  /** Host pid of the process that is PID 1 in there (or the oldest member, when the pid namespace is shared). */
  readonly init: HostPid | null;
  /** ISO 8601. */
  readonly startedAt: string | null;
  readonly image: string | null;
  /** The cgroup that holds the container, per controller, as the host's root sees it. */
  readonly cgroups: Readonly<Partial<Record<Controller, CgroupPath>>>;
  /** Controllers whose cgroup above also holds processes that are not the container's: its figures are theirs too. */
  readonly sharedCgroups: readonly Controller[];
  readonly namespaces: Namespaces;
  readonly labels: Readonly<Record<string, string>>;
  readonly pod: { readonly namespace: string; readonly name: string; readonly container: string } | null;
  /** Number of the signal that asks it to stop, where the engine tells (STOPSIGNAL); left out: SIGTERM, or not known. */
  readonly stopSignal?: number;
  /** What the engine recorded of the end; null while it runs, or when no engine keeps a record. */
  readonly exit: {
    readonly code: number;
    readonly outOfMemory: boolean;
    readonly finishedAt: string | null;
  } | null;
}

/** An engine that could not be asked. Said once; the others go on. */
export interface EngineNotice {
  readonly engine: EngineName;
  readonly what: string;
  readonly because: 'not-permitted' | 'down' | 'failed';
  readonly remedy: string;
}
