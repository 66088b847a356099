import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseDevicesList } from '../cgroup/devices.ts';
import { parseCpuList } from '../cpulist.ts';
import { parsePressure } from '../pressure.ts';
import { parseProcCgroup } from './cgroup.ts';
import { parseCmdline } from './cmdline.ts';
import { parseEnviron } from './environ.ts';
import { parseFdinfo } from './fd.ts';
import { parseDiskstats } from './host/diskstats.ts';
import { parseFilesystems } from './host/filesystems.ts';
import { parseLoadavg } from './host/loadavg.ts';
import { parseMeminfo } from './host/meminfo.ts';
import { parseHostStat } from './host/stat.ts';
import { parseSwaps } from './host/swaps.ts';
import { parseUptime } from './host/uptime.ts';
import { parseVmstat } from './host/vmstat.ts';
import { parseProcessIo } from './io.ts';
import { parseLimits } from './limits.ts';
import { parseMountinfo } from './mountinfo.ts';
import { parseOomScoreAdjust } from './oom_score_adj.ts';
import { parseProcessDescriptor } from './pidfd.ts';
import { parseSchedstat } from './schedstat.ts';
import { parseSmapsRollup } from './smaps_rollup.ts';
import { parseStack } from './stack.ts';
import { parseStat } from './stat.ts';
import { parseMask, parseStatus } from './status.ts';
import { parseSysvShm } from './sysvipc-shm.ts';
import { parseIdMap } from './uid_map.ts';
import { parseWchan } from './wchan.ts';

/** Pieces that the parsers look for, so that random texts get deep into them. */
const pieces = fc.constantFrom(
  ...[
    'Filename\n',
    'Name:\t',
    'State:\tS',
    'Pid:\t',
    'PPid:\t1\n',
    'Threads:\t1\n',
    'Uid:\t0\t0\t0\t0\n',
    'Gid:\t0\t0\t0\t0\n',
  ],
  ...[
    'VmRSS:\t',
    ' kB\n',
    'SigCgt:\t',
    'ffffffffffffffff',
    'NSpid:\t1\t1\n',
    '(',
    ')',
    ' - ',
    '\\040',
    '\\',
    '/',
  ],
  ...[
    '0:40 ',
    'rw,',
    'max',
    '-1',
    '0',
    '18446744073709551616',
    '9'.repeat(400),
    ' ',
    '\n',
    '\t',
    '\0',
    ':',
    ',',
  ],
  ...[
    'pos:\t0\n',
    'flags:\t02\n',
    'some avg10=0.00 avg60=0.00 avg300=0.00 total=',
    'key shmid size nattch\n',
    '-',
  ],
  ...[
    'MemTotal: ',
    'Max open files ',
    'unlimited ',
    'cpu ',
    'btime ',
    'b *:* m\n',
    '__proto__',
    '\uD800',
    '\u0000',
  ],
);
const texts = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.array(fc.oneof(pieces, fc.string({ maxLength: 6 })), { maxLength: 60 }).map(parts => parts.join('')),
);

test.each([
  ['status', parseStatus],
  ['mask', (text: string) => parseMask(text, 1)],
  ['stat', parseStat],
  ['schedstat', parseSchedstat],
  ['cgroup', parseProcCgroup],
  ['mountinfo', parseMountinfo],
  ['cmdline', parseCmdline],
  ['environ', parseEnviron],
  ['wchan', parseWchan],
  ['stack', parseStack],
  ['smaps_rollup', parseSmapsRollup],
  ['limits', parseLimits],
  ['uid_map', parseIdMap],
  ['fdinfo', parseFdinfo],
  ['pidfd', parseProcessDescriptor],
  ['oom_score_adj', parseOomScoreAdjust],
  ['sysvipc/shm', parseSysvShm],
  ['loadavg', parseLoadavg],
  ['swaps', parseSwaps],
  ['uptime', parseUptime],
  ['host stat', parseHostStat],
  ['vmstat', parseVmstat],
  ['diskstats', parseDiskstats],
  ['filesystems', parseFilesystems],
  ['io', parseProcessIo],
  ['meminfo', parseMeminfo],
  ['pressure', parsePressure],
  ['cpu list', parseCpuList],
  ['devices.list', parseDevicesList],
])('%s never throws', (_, parse: (text: string) => unknown) => {
  fc.assert(
    fc.property(texts, text => {
      expect(() => parse(text)).not.toThrow();
    }),
    { numRuns: 300 },
  );
});
