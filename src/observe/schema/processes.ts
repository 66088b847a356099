import * as v from 'valibot';
import type { ProcessIo } from '../../linux/proc/io.ts';
import type { SchedulerTimes } from '../../linux/proc/schedstat.ts';
import type { Bytes, ClockTicks, HostPid, Microseconds, NsPid } from '../../linux/units.ts';
import type { ProcessFacts, SignalFetching } from '../observation.ts';
import { byName, flag, list, reading, type Schema, text, whole } from './parts.ts';

const amount = whole<Bytes>();
const count = whole<number>();
const numbers = list(count);
const ids = v.object({ real: count, effective: count, saved: count, filesystem: count });
const scheduler: Schema<SchedulerTimes> = v.object({
  running: whole<Microseconds>(),
  waiting: whole<Microseconds>(),
  timeslices: count,
});

const io: Schema<ProcessIo> = v.object({ read: amount, written: amount, cancelled: amount });

export const process: Schema<ProcessFacts> = v.object({
  pid: whole<HostPid>(),
  startTime: whole<ClockTicks>(),
  status: v.object({
    name: text,
    state: text,
    pid: whole<HostPid>(),
    parent: whole<HostPid>(),
    tracer: v.exactOptional(whole<HostPid>()),
    namespacePids: list(whole<NsPid>()),
    threads: count,
    uid: ids,
    gid: ids,
    signals: v.object({
      pending: numbers,
      sharedPending: numbers,
      blocked: numbers,
      ignored: numbers,
      caught: numbers,
    }),
    capabilities: v.object({
      inheritable: numbers,
      permitted: numbers,
      effective: numbers,
      bounding: numbers,
      ambient: numbers,
    }),
    noNewPrivileges: flag,
    seccomp: reading(count),
    memory: reading(
      v.object({
        resident: amount,
        residentAnonymous: amount,
        residentFile: amount,
        residentShared: amount,
        swapped: amount,
        pageTables: v.exactOptional(amount),
        hugePages: v.exactOptional(amount),
      }),
    ),
  }),
  zombieInBothSamples: flag,
  commandLine: list(text),
  executable: reading(text),
  oomScoreAdjust: reading(count),
  waitChannel: reading(text),
  scheduler: reading(v.object({ first: scheduler, last: scheduler })),
  io: v.exactOptional(v.object({ first: io, last: io })),
  sleeps: v.exactOptional(
    v.object({ looks: count, channels: byName(count), reclaiming: v.exactOptional(count) }),
  ),
  blocked: v.exactOptional(
    list(
      v.object({
        thread: whole<HostPid>(),
        name: text,
        waitChannel: reading(text),
        stack: reading(list(text)),
      }),
    ),
  ),
});

export const signalFetching: Schema<SignalFetching> = v.object({
  descriptorSignals: numbers,
  waitChannels: list(text),
  oneShotSignals: reading(numbers),
});
