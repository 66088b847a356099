import { expect, test } from 'vitest';
import { cgroupPath } from '../../linux/units.ts';
import type { Histogram } from '../histogram.ts';
import { loadInstrument } from '../index.ts';
import type { TraceResult } from '../instrument.ts';
import type { InstrumentName, TracedResults } from '../results.ts';

const base: TraceResult = { engine: 'ebpf', lost: 0, ended: 'time', seconds: 10 };
const none: Histogram = { unit: 'us', counts: [] };
const some: Histogram = { unit: 'us', counts: [0, 3, 1] };
const total = { us: 1234.5, count: 4, longestUs: 900 };
const noSums = { times: none, count: 0, us: 0, longestUs: 0, pages: 0, failed: 0 };
const stack = {
  frames: [
    { name: 'app', kind: 'mark' as const },
    { name: 'read', kind: 'native' as const, module: 'libc.so.6' },
    { name: '[sleeps]', kind: 'mark' as const },
  ],
  weight: 1500,
};

type Added = Pick<
  TracedResults,
  | 'profile'
  | 'runq'
  | 'throttle'
  | 'offcpu'
  | 'softirq'
  | 'timerlat'
  | 'block-io'
  | 'reclaim'
  | 'writeback'
  | 'functions'
>;

const call = {
  function: 'vfs_read',
  context: 'task',
  count: 4,
  slow: 1,
  us: 1234,
  selfUs: 34,
  longestUs: 1000,
} as const;
const noCalls = {
  limitUs: 1000,
  watched: 3,
  leftOut: [],
  total: 0,
  functions: [],
  tree: [],
  slow: [],
  goingOn: [],
};

/** Of each instrument a result with nothing in it, and one with a little. */
const results: { readonly [Name in keyof Added]: readonly [empty: Added[Name], full: Added[Name]] } = {
  profile: [
    {
      ...base,
      event: 'cpu-clock',
      hertz: 99,
      samples: 0,
      inKernel: 0,
      cpuSeconds: 0,
      processes: [],
      functions: [],
      stacks: [],
    },
    {
      ...base,
      event: 'cpu-clock',
      hertz: 99,
      samples: 4,
      inKernel: 1,
      cpuSeconds: 0.04,
      processes: [{ name: 'app', samples: 4 }],
      functions: [{ frame: { name: 'read', kind: 'kernel' }, self: 4, total: 4 }],
      stacks: [stack],
    },
  ],
  runq: [
    {
      ...base,
      waits: none,
      count: 0,
      waitedUs: 0,
      longestUs: 0,
      idleUs: 0,
      ownUs: 0,
      othersUs: 0,
      takers: [],
    },
    {
      ...base,
      waits: some,
      count: 4,
      waitedUs: 2000,
      longestUs: 900,
      idleUs: 0,
      ownUs: 0,
      othersUs: 1234,
      takers: [{ pid: 7, name: 'batch', cgroup: null, own: false, ...total }],
    },
  ],
  throttle: [
    { ...base, times: none, levels: [], threads: [] },
    {
      ...base,
      times: some,
      levels: [{ cgroup: '/box', periods: 3, ...total }],
      threads: [{ process: 7, thread: 8, name: 'worker', ...total }],
    },
  ],
  offcpu: [
    { ...base, us: { runnable: 0, sleeping: 0, blocked: 0, other: 0 }, stacks: [] },
    { ...base, us: { runnable: 0, sleeping: 1500, blocked: 0, other: 0 }, stacks: [stack] },
  ],
  softirq: [
    { ...base, vectors: [], times: {}, functions: [], takenUs: 0 },
    {
      ...base,
      vectors: [{ vector: 'NET_RX', cpu: 0, whose: 'container', ...total }],
      times: { NET_RX: some },
      functions: [{ name: 'process_backlog', kind: 'poll', whose: 'container', packets: 9, ...total }],
      takenUs: 1234,
    },
  ],
  timerlat: [
    {
      ...base,
      limitUs: 1000,
      times: { softirq: none, timer: none, hrtimer: none, tasklet: none },
      functions: [],
      events: [],
    },
    {
      ...base,
      limitUs: 1000,
      times: { softirq: some, timer: some, hrtimer: none, tasklet: none },
      functions: [{ name: 'estimation_timer', kind: 'timer', whose: 'idle', ...total }],
      events: [
        {
          at: 5,
          us: 900,
          kind: 'timer',
          name: 'estimation_timer',
          cpu: 1,
          whose: 'idle',
          pid: 0,
          thread: '',
        },
      ],
    },
  ],
  'block-io': [
    { ...base, byCgroup: true, streams: [], senders: [] },
    {
      ...base,
      byCgroup: false,
      streams: [
        {
          device: 'vda',
          number: '254:0',
          operation: 'write',
          bytes: 4096,
          errors: 0,
          times: some,
          sizes: some,
          ...total,
        },
      ],
      senders: [{ pid: 7, name: 'dd', operation: 'write', bytes: 4096, ...total }],
      owners: [
        { number: '254:0', operation: 'write', cgroup: null, own: false, bytes: 4096, ...total },
        {
          number: '254:0',
          operation: 'read',
          cgroup: cgroupPath('/\u001b[31m'),
          own: false,
          bytes: 1,
          ...total,
        },
      ],
    },
  ],
  reclaim: [
    { ...base, cgroup: noSums, machine: noSums, waiters: [] },
    {
      ...base,
      cgroup: { ...noSums, times: some, count: 4, failed: 1 },
      machine: noSums,
      waiters: [{ pid: 7, name: 'dd', for: 'cgroup', pages: 32, ...total }],
    },
  ],
  writeback: [
    { ...base, pauses: none, pauseUs: 0, calls: 0, last: null, writers: [] },
    {
      ...base,
      pauses: some,
      pauseUs: 1234,
      calls: 9,
      last: { dirtyPages: 10, limitPages: 100 },
      writers: [{ pid: 7, name: 'dd', device: '7:0', pages: 32, ...total }],
    },
  ],
  functions: [
    { ...base, ...noCalls },
    {
      ...base,
      ...noCalls,
      total: 1,
      leftOut: [{ function: 'nobody', because: 'no such function' }],
      functions: [{ ...call, times: some }],
      tree: [
        { ...call, depth: 0 },
        { ...call, function: 'call_timer_fn', context: 'softirq', depth: 1 },
      ],
      slow: [{ ...call, program: 'dd', thread: 7, callers: ['ksys_read', 'do_syscall_64'] }],
      goingOn: [{ function: 'io_schedule', us: 5_000_000, thread: 8 }],
    },
  ],
};

const names = Object.keys(results) as readonly (keyof Added & InstrumentName)[];

test.each(names)('%s: nothing seen is a sentence, what was seen are whole tables', async name => {
  const instrument = await loadInstrument(name);
  const [empty, full] = results[name];
  const nothing = instrument.view(empty);
  expect(nothing.map(({ kind }) => kind)).toEqual(['text']);
  const blocks = instrument.view(full);
  expect(blocks.length).toBeGreaterThan(1);
  for (const block of blocks)
    if (block.kind === 'table')
      for (const row of block.rows) {
        expect(row).toHaveLength(block.columns.length);
        expect(row.join(' ')).not.toMatch(/NaN|undefined|Infinity/);
      }
  for (const row of instrument.events?.rows(full, 0) ?? [])
    expect(row).toHaveLength(instrument.events?.columns.length ?? 0);
  for (const form of Object.values(instrument.exports ?? {})) expect(form(full).length).toBeGreaterThan(10);
});
