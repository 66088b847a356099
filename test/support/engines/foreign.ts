import { existsSync } from 'node:fs';
import { runCrun } from './crun.ts';
import { type Dockerd, startDockerd } from './dockerd.ts';
import { whyNot } from './programs.ts';

/** A container that no lab made, of either engine, described once. */
export interface ForeignSpec {
  readonly name: string;
  readonly command: readonly string[];
  /** Bytes. */
  readonly memory?: number;
  /** Bytes, with the memory; without swap when left out. */
  readonly memoryAndSwap?: number;
  readonly cpus?: string;
  readonly shares?: number;
  /** CPU time in 100 ms, in microseconds. */
  readonly quota?: number;
  readonly binds?: readonly (readonly [source: string, target: string])[];
  readonly environment?: readonly string[];
  /** It shares the host's pid namespace. */
  readonly hostPids?: boolean;
}

export interface Foreign extends AsyncDisposable {
  /** What Glassbox is asked for. */
  readonly selector: string;
  /** The engine's own id. */
  readonly id: string;
  /** With what it finds the engine. */
  readonly environment: Readonly<Record<string, string>>;
}

/** The host's programs and libraries: an image of busybox has neither Node nor Perl. */
export const hostPrograms: NonNullable<ForeignSpec['binds']> = [
  ...['/usr', '/lib', '/lib64', '/etc/alternatives']
    .filter(path => existsSync(path))
    .map(path => [path, path] as const),
  [process.execPath, '/node'],
];

export async function startDocker(daemon: Dockerd, spec: ForeignSpec): Promise<Foreign> {
  const { name, memory, memoryAndSwap = memory, cpus, shares, quota } = spec;
  const options = [
    ...['--name', name, '--init'],
    ...(memory === undefined ? [] : ['--memory', String(memory), '--memory-swap', String(memoryAndSwap)]),
    ...(cpus === undefined ? [] : ['--cpuset-cpus', cpus]),
    ...(shares === undefined ? [] : ['--cpu-shares', String(shares)]),
    ...(quota === undefined ? [] : ['--cpu-period', '100000', '--cpu-quota', String(quota)]),
    ...(spec.binds ?? []).flatMap(([source, target]) => ['--volume', `${source}:${target}`]),
    ...(spec.environment ?? []).flatMap(variable => ['--env', variable]),
    ...(spec.hostPids === true ? ['--pid', 'host'] : []),
  ];
  const id = await daemon.start(options, spec.command);
  return {
    id,
    selector: name,
    environment: daemon.environment,
    [Symbol.asyncDispose]: async () => void (await daemon.docker('rm', '--force', name)),
  };
}

export async function startCrun(spec: ForeignSpec): Promise<Foreign> {
  const { memory, memoryAndSwap = memory, cpus, shares, quota } = spec;
  const cpu = {
    ...(cpus === undefined ? {} : { cpus, mems: '0' }),
    ...(shares === undefined ? {} : { shares }),
    ...(quota === undefined ? {} : { quota, period: 100_000 }),
  };
  const box = await runCrun(spec.command, {
    resources: {
      ...(memory === undefined ? {} : { memory: { limit: memory, swap: memoryAndSwap } }),
      ...(Object.keys(cpu).length === 0 ? {} : { cpu }),
    },
    tune: config => {
      config.root.readonly = false;
      config.process.env.push(...(spec.environment ?? []));
      if (spec.hostPids === true)
        config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== 'pid');
      for (const [source, destination] of spec.binds ?? [])
        config.mounts.push({ destination, type: 'bind', source, options: ['rbind'] });
    },
  });
  return {
    id: box.id,
    selector: box.id,
    environment: {},
    [Symbol.asyncDispose]: () => box[Symbol.asyncDispose](),
  };
}

export type Start = (spec: ForeignSpec) => Promise<Foreign>;

export interface Engine {
  readonly name: string;
  readonly lacks: string | undefined;
  begin(): Promise<{ readonly start: Start; end(): Promise<void> }>;
}

/** Those whose containers a test makes, and why one cannot be had. */
export const engines: readonly Engine[] = [
  {
    name: 'Docker',
    lacks: whyNot('dockerd', 'docker', 'containerd', 'runc', 'busybox', 'setpriv', 'tar'),
    begin: async () => {
      const daemon: Dockerd = await startDockerd();
      return { start: spec => startDocker(daemon, spec), end: async () => daemon[Symbol.asyncDispose]() };
    },
  },
  {
    name: 'crun',
    lacks: whyNot('crun', 'busybox', 'setpriv'),
    begin: async () => ({ start: startCrun, end: async () => {} }),
  },
];
