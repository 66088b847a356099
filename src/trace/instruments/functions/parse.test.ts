import { expect, test } from 'vitest';
import { parseGraphLine } from './parse.ts';

// As Linux 6.12.95 wrote it in the virtual machine; of the last the program, the flags, the time and the module are edited.
test.each([
  [
    ' 0)    perl-222    |  ..... | * 13483.46 us |  } /* vfs_fsync_range */',
    { function: 'vfs_fsync_range', context: 'task', us: 13483.46, program: 'perl', thread: 222 },
  ],
  [
    ' 0)    perl-222    |  ...1. | ! 101.322 us  |  vfs_mkdir();',
    { function: 'vfs_mkdir', context: 'task', us: 101.322, program: 'perl', thread: 222 },
  ],
  [
    ' 0)    perl-222    |  .Ns2. | # 1224.398 us |    __udp4_lib_rcv();',
    { function: '__udp4_lib_rcv', context: 'softirq', us: 1224.398, program: 'perl', thread: 222 },
  ],
  [
    ' 0)    perl-222    |  .N... | # 5227.637 us |  } /* udp_sendmsg */',
    { function: 'udp_sendmsg', context: 'task', us: 5227.637, program: 'perl', thread: 222 },
  ],
  [
    ' 0)    perl-222    |  ...1. | + 17.146 us   |  ksys_read();',
    { function: 'ksys_read', context: 'task', us: 17.146, program: 'perl', thread: 222 },
  ],
  [
    ' 3)    a-b c-9     |  d.h1. |   1.234 us    |            } /* ext4_sync_file [ext4] */',
    { function: 'ext4_sync_file', context: 'hardirq', us: 1.234, program: 'a-b c', thread: 9 },
  ],
])('%s', (text, expected) => {
  expect(parseGraphLine(text)).toEqual(expected);
});

test.each([
  '# tracer: function_graph',
  ' 0)    perl-222    |  ...1. |               |  ksys_read() {',
  ' ------------------------------------------',
  ' 0)  a-1   =>   b-2',
  '',
])('no end of a call: %s', text => {
  expect(parseGraphLine(text)).toBeUndefined();
});
