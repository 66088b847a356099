import { readSignalActions } from '../linux/bpf/signal-actions.ts';
import type { KernelFiles } from '../linux/files.ts';
import { readExecutable } from '../linux/proc/exe.ts';
import { listDescriptors } from '../linux/proc/fd.ts';
import { listThreads } from '../linux/proc/process.ts';
import { readSignalDescriptor, signalDescriptorTarget } from '../linux/proc/signalfd.ts';
import { readThreadWchan } from '../linux/proc/wchan.ts';
import { absent, mapReading, orElse, type Reading } from '../linux/reading.ts';
import type { HostPid } from '../linux/units.ts';
import type { SignalFetching } from './observation.ts';

/** Enough to meet the thread that waits for signals; a server with 10 000 threads is not worth the time. */
const mostThreads = 64;

/**
 * How a container's init fetches signals without a handler: by signalfd (systemd, catatonit) or by a thread in
 * sigwait() (tini, dumb-init). Without this a blocked signal would look lost in exactly the programs that exist
 * to handle it.
 */
export function readInitSignals(
  files: KernelFiles,
  init: HostPid,
  readActions: ActionReader,
): Reading<SignalFetching> {
  return mapReading(listThreads(files, init), threads => ({
    descriptorSignals: readDescriptorSignals(files, init),
    waitChannels: readWaitChannels(files, init, threads.slice(0, mostThreads)),
    oneShotSignals: readOneShotSignals(files, init, readActions),
  }));
}

/** Gives the signal handlers of all PID 1s, read when first asked for. */
export type ActionReader = () => ReturnType<typeof readSignalActions>;

/** One pass over all tasks serves every container of the observation. */
export function createActionReader(): ActionReader {
  let actions: ReturnType<typeof readSignalActions> | undefined;
  return () => {
    actions ??= readSignalActions();
    return actions;
  };
}

/** Node installs its own SIGTERM handler, so its masks look the same whether the program has one or not. */
const runtimesWithOwnHandler = /\/node[^/]*$/;

/** Loading the program costs up to 80 ms, so it is asked only about runtimes whose masks do not tell. */
function readOneShotSignals(
  files: KernelFiles,
  init: HostPid,
  readActions: ActionReader,
): SignalFetching['oneShotSignals'] {
  const executable = readExecutable(files, init);
  if (!executable.present) return executable;
  if (files.root !== '/' || !runtimesWithOwnHandler.test(executable.value))
    return absent(
      'sa_flags of its handlers',
      'disabled',
      'read for runtimes that have a handler of their own',
    );
  return mapReading(readActions(), actions =>
    (actions.get(init) ?? []).filter(({ oneShot }) => oneShot).map(({ signal }) => signal),
  );
}

/** A thread that has just been woken has no wait channel: it is asked again before that is believed. */
const triesPerThread = 4;

function readWaitChannels(files: KernelFiles, init: HostPid, threads: readonly HostPid[]): readonly string[] {
  const channels = new Set<string>();
  for (const thread of threads) {
    let name = readThreadWchan(files, init, thread);
    for (let again = 1; !name.present && again < triesPerThread; again += 1) {
      if (channels.size > 0) break;
      pause(1);
      name = readThreadWchan(files, init, thread);
    }
    // The compiler's clones of a function (`do_sigtimedwait.isra.0`) are that function.
    if (name.present) channels.add(name.value.replace(/\..*$/, ''));
  }
  return [...channels].sort();
}

const bell = new Int32Array(new SharedArrayBuffer(4));
const pause = (milliseconds: number): void => {
  Atomics.wait(bell, 0, 0, milliseconds);
};

function readDescriptorSignals(files: KernelFiles, init: HostPid): readonly number[] {
  const descriptors = listDescriptors(files, init);
  if (!descriptors.present) return [];
  const signals = new Set<number>();
  for (const { number, target } of descriptors.value) {
    if (target !== signalDescriptorTarget) continue;
    for (const signal of orElse(readSignalDescriptor(files, init, number), [])) signals.add(signal);
  }
  return [...signals].sort((a, b) => a - b);
}
