import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type HostPid, hostPid } from '../../../src/linux/units.ts';
import { busyboxRoot } from './busybox.ts';
import { removeCgroups, unmountBelow } from './leftovers.ts';
import { run } from './programs.ts';

export interface RuntimeContainer extends AsyncDisposable {
  readonly id: string;
  readonly init: HostPid;
  readonly cgroup: string;
}

export interface RuntimeOptions {
  readonly runtime?: 'crun' | 'runc';
  /** `linux.resources` of the OCI runtime specification: `{ memory: { limit: 67108864 } }`. */
  readonly resources?: Readonly<Record<string, unknown>>;
  readonly annotations?: Readonly<Record<string, string>>;
  /** Anything else of config.json. */
  readonly tune?: (config: OciConfig) => void;
}

/** The part of the OCI runtime specification that tests change. */
export interface OciConfig {
  root: { readonly: boolean };
  mounts: { destination: string; type: string; source: string; options: string[] }[];
  process: {
    env: string[];
    user: { uid: number; gid: number };
    noNewPrivileges: boolean;
    capabilities: Record<'bounding' | 'effective' | 'permitted' | 'inheritable' | 'ambient', string[]>;
    rlimits: { type: string; soft: number; hard: number }[];
  };
  linux: {
    seccomp?: object;
    namespaces: { type: string }[];
    maskedPaths: string[];
    readonlyPaths: string[];
  };
}

/** A container made by crun (or runc) alone, on a root of busybox, as people who call the runtime by hand have it. */
export async function runCrun(
  command: readonly string[],
  { runtime = 'crun', resources = {}, annotations = {}, tune }: RuntimeOptions = {},
): Promise<RuntimeContainer> {
  const bundle = mkdtempSync(join(tmpdir(), `glassbox-${runtime}-`));
  const id = bundle.slice(bundle.lastIndexOf('/') + 1);
  // Without a path a runtime would put it below the cgroup of the test itself.
  const cgroup = `/${id}`;
  const dispose = async (): Promise<void> => {
    await call(runtime, 'delete', '--force', id).catch(() => {});
    await unmountBelow(bundle);
    await removeCgroups(cgroup);
    rmSync(bundle, { recursive: true, force: true });
  };
  try {
    await busyboxRoot(join(bundle, 'rootfs'));
    await run('sh', '-c', 'cd "$1" && "$2" spec', 'sh', bundle, runtime);
    const file = join(bundle, 'config.json');
    const config = JSON.parse(readFileSync(file, 'utf8'));
    config.process.terminal = false;
    config.process.args = command;
    config.hostname = id;
    config.annotations = annotations;
    config.linux.cgroupsPath = cgroup;
    config.linux.resources = { ...config.linux.resources, ...resources };
    tune?.(config);
    writeFileSync(file, JSON.stringify(config));
    await call(runtime, 'run', '--detach', '--bundle', bundle, id);
    const state = JSON.parse(await run(runtime, 'state', id));
    return { id, init: hostPid(state.pid), cgroup, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

/**
 * crun refuses hybrid hosts on which cgroup2 still has a controller to give, be it one that nobody uses. It believes
 * the file, which is therefore empty where it runs. Output goes nowhere: the container inherits and would hold it.
 */
const call = (runtime: string, ...words: readonly string[]): Promise<string> =>
  run(
    'unshare',
    '--mount',
    'sh',
    '-c',
    `f=/sys/fs/cgroup/unified/cgroup.controllers
     ! grep -qs . $f || mount --bind /dev/null $f
     log=$(mktemp); "$@" </dev/null >"$log" 2>&1; code=$?
     [ $code = 0 ] || cat "$log" >&2
     rm -f "$log"; exit $code`,
    'sh',
    runtime,
    ...(runtime === 'crun' ? ['--cgroup-manager=cgroupfs'] : []),
    ...words,
  );
