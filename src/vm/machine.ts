import type { ChildProcess } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import type { Duplex } from 'node:stream';
import { runProgram, spawnOwned } from './commands.ts';
import { openControl } from './control.ts';
import { openOutput } from './output.ts';
import { type QemuPlan, qemuArguments } from './qemu.ts';
import { openWorkDisk } from './work-disk.ts';

export interface MachineOptions
  extends Pick<QemuPlan, 'kernel' | 'initramfs' | 'disks' | 'cgroups' | 'accelerator'> {
  readonly memoryMebibytes: number;
  readonly cpus: number;
  readonly possibleCpus: number;
  readonly workDiskBytes: number;
  readonly cache: string;
  readonly bootMs: number;
  /** Ends the guest at once, whatever it does; what waits for it rejects. */
  readonly stop?: AbortSignal | undefined;
}

export interface RunOptions {
  readonly timeoutMs: number;
  /** The longest time without any output; as long as it takes when left out. */
  readonly quietMs?: number;
  readonly onOutput?: (chunk: Buffer) => void;
  readonly onErrors?: (chunk: Buffer) => void;
}

/** What went wrong with a guest, and the last that its kernel said. */
export interface MachineError extends Error {
  readonly lastLines: readonly string[];
}

/** A booted guest. Every promise rejects with a MachineError when the guest ends or time is up. */
export interface Machine {
  /** `6.1.0-56-cloud-amd64`. */
  readonly release: string;
  /** Runs a bash script as the guest's root; its exit code. One at a time. */
  run(script: string, options: RunOptions): Promise<number>;
  /** Copies a directory of the guest's into one here. */
  fetch(from: string, to: string, timeoutMs?: number): Promise<void>;
  /** What the kernel has said so far. */
  console(): string;
  close(): Promise<void>;
}

const ports = ['control', 'output', 'errors', 'files'] as const;
/** Descriptors of qemu: 0 to 2, the console, the ports, the disk. */
const descriptors = { console: 3, control: 4, output: 5, errors: 6, files: 7, workDisk: 8 } as const;

/** Boots a guest. It dies with this process, however that ends, and leaves no file behind. */
export async function bootMachine(options: MachineOptions): Promise<Machine> {
  const disk = await openWorkDisk(options.cache, options.workDiskBytes);
  const words = qemuArguments({
    ...options,
    console: descriptors.console,
    workDisk: descriptors.workDisk,
    ports: Object.fromEntries(ports.map(name => [name, descriptors[name]])),
  });
  const { child, kill } = spawnOwned('qemu-system-x86_64', words, {
    stdio: ['ignore', 'pipe', 'pipe', ...ports.map(() => 'pipe' as const), 'pipe', disk.descriptor],
  });
  disk.close();
  const guest = watch(child, kill);
  options.stop?.addEventListener('abort', kill);
  if (options.stop?.aborted === true) kill();
  const streams: readonly unknown[] = child.stdio;
  const stream = (name: (typeof ports)[number]): Duplex => streams[descriptors[name]] as Duplex;
  const control = openControl(stream('control'));
  const output = openOutput(stream('output'));
  const errors = openOutput(stream('errors'));
  let runs = 0;

  const ready = await guest.within(options.bootMs, 'it did not boot', control.next(/^ready \S+ (\S+)$/));
  return {
    release: ready[1] ?? '',
    async run(script, { timeoutMs, quietMs, onOutput, onErrors }) {
      const id = ++runs;
      const quiet = quietMs === undefined ? undefined : guest.limit(quietMs, 'its command said nothing');
      const ends = Promise.all([
        output.until(id, chunk => {
          quiet?.renew();
          onOutput?.(chunk);
        }),
        errors.until(id, onErrors),
      ]);
      control.send(`run ${id} ${Buffer.byteLength(script)}\n${script}`);
      try {
        const end = quiet === undefined ? ends : Promise.race([ends, quiet.over]);
        const [code] = await guest.within(timeoutMs, 'its command did not end', end);
        return code;
      } finally {
        quiet?.end();
      }
    },
    async fetch(from, to, timeoutMs = 120_000) {
      const id = ++runs;
      control.send(`get ${id} ${from}\n`);
      const size = Number(
        (await guest.within(timeoutMs, `no ${from}`, control.next(/^files \d+ (-?\d+)$/)))[1],
      );
      if (size < 0) throw new Error(`the virtual machine has no directory ${from}`);
      const archive = await guest.within(timeoutMs, `${from} was cut short`, exactly(stream('files'), size));
      mkdirSync(to, { recursive: true });
      await runProgram(['tar', '-x', '-f', '-', '-C', to, '--no-same-owner'], { input: archive });
    },
    console: guest.console,
    async close() {
      control.send('off\n');
      await guest.end(10_000);
    },
  };
}

interface Guest {
  console(): string;
  /** The work, unless the guest ends or time is up first: then it is killed, and what it said last is told. */
  within<T>(ms: number, what: string, work: Promise<T>): Promise<T>;
  /** A time after which it is killed, unless it is renewed or ended before. */
  limit(ms: number, what: string): Limit;
  /** Waits for its end, then makes it. */
  end(graceMs: number): Promise<void>;
}

interface Limit {
  /** Rejects when time is up. */
  readonly over: Promise<never>;
  renew(): void;
  end(): void;
}

function watch(child: ChildProcess, kill: () => void): Guest {
  let said = '';
  for (const index of [1, 2, descriptors.console])
    (child.stdio[index] as Duplex | null)?.on('data', chunk => {
      said = (said + chunk.toString('latin1')).slice(-200_000);
    });
  // The other end of a socket is gone when the guest is.
  for (const stream of child.stdio) stream?.on('error', () => {});
  const ended = new Promise<string>(resolve => {
    child.on('error', error => resolve(`qemu could not start (${error.message})`));
    child.on('close', (code, signal) => resolve(`qemu ended with ${signal ?? code}`));
  });
  const failure = (what: string): MachineError =>
    Object.assign(new Error(`the virtual machine: ${what}`), { lastLines: lastLines(said) });
  const limit = (ms: number, what: string): Limit => {
    let giveUp = (): void => {};
    const over = new Promise<never>((_, reject) => {
      giveUp = () => {
        kill();
        reject(failure(`${what} within ${Math.round(ms / 1000)} s`));
      };
    });
    const timer = setTimeout(giveUp, ms);
    return { over, renew: () => void timer.refresh(), end: () => clearTimeout(timer) };
  };
  return {
    console: () => said,
    limit,
    async within(ms, what, work) {
      const time = limit(ms, what);
      const gone = ended.then(how => Promise.reject(failure(`${what}; ${how}`)));
      try {
        return await Promise.race([work, time.over, gone]);
      } finally {
        time.end();
      }
    },
    async end(graceMs) {
      const timer = setTimeout(kill, graceMs);
      await ended;
      clearTimeout(timer);
    },
  };
}

/** The end of what the console said, without what moves a cursor. */
const lastLines = (said: string): readonly string[] =>
  said
    .replaceAll(/\x1b\[[0-9;?]*[A-Za-z]|[^\x20-\x7e\n]/g, '')
    .split('\n')
    .filter(line => line.trim() !== '')
    .slice(-40);

function exactly(stream: Duplex, size: number): Promise<Buffer> {
  return new Promise(resolve => {
    const chunks: Buffer[] = [];
    let length = 0;
    const take = (chunk: Buffer): void => {
      chunks.push(chunk);
      length += chunk.length;
      if (length < size) return;
      stream.off('data', take);
      resolve(Buffer.concat(chunks));
    };
    stream.on('data', take);
  });
}
