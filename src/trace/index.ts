import type { Instrument } from './instrument.ts';
import type { InstrumentName, TracedResults } from './results.ts';

/** Every instrument, in the order it is listed; loaded when it is asked for. */
export const instruments: {
  readonly [Name in InstrumentName]: () => Promise<Instrument<TracedResults[Name]>>;
} = {
  exec: async () => (await import('./instruments/exec/instrument.ts')).instrument,
  signals: async () => (await import('./instruments/signals/instrument.ts')).instrument,
  capabilities: async () => (await import('./instruments/capabilities/instrument.ts')).instrument,
  seccomp: async () => (await import('./instruments/seccomp/instrument.ts')).instrument,
  profile: async () => (await import('./instruments/profile/instrument.ts')).instrument,
  runq: async () => (await import('./instruments/runq/instrument.ts')).instrument,
  reclaim: async () => (await import('./instruments/reclaim/instrument.ts')).instrument,
  softirq: async () => (await import('./instruments/softirq/instrument.ts')).instrument,
  throttle: async () => (await import('./instruments/throttle/instrument.ts')).instrument,
  offcpu: async () => (await import('./instruments/offcpu/instrument.ts')).instrument,
  timerlat: async () => (await import('./instruments/timerlat/instrument.ts')).instrument,
  'block-io': async () => (await import('./instruments/block-io/instrument.ts')).instrument,
  writeback: async () => (await import('./instruments/writeback/instrument.ts')).instrument,
  drops: async () => (await import('./instruments/drops/instrument.ts')).instrument,
  tcp: async () => (await import('./instruments/tcp/instrument.ts')).instrument,
  oom: async () => (await import('./instruments/oom/instrument.ts')).instrument,
  forks: async () => (await import('./instruments/forks/instrument.ts')).instrument,
  syscalls: async () => (await import('./instruments/syscalls/instrument.ts')).instrument,
  files: async () => (await import('./instruments/files/instrument.ts')).instrument,
  functions: async () => (await import('./instruments/functions/instrument.ts')).instrument,
};

export const instrumentNames = Object.keys(instruments) as readonly InstrumentName[];

export const isInstrument = (name: string): name is InstrumentName => Object.hasOwn(instruments, name);

/** One whose results the caller only hands back to it. */
export const loadInstrument = async (name: InstrumentName): Promise<Instrument> =>
  (await instruments[name]()) as unknown as Instrument;
