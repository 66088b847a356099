import { expect, test } from 'vitest';
import { parseGraphLine } from './parse.ts';

// As Linux 6.12 writes it in Debian's virtual machine; the last two are edited, for another mark, a name with a blank, a module.
test.each([
  [
    ' 0)    perl-223    |  ..... | # 8194.709 us |  } /* vfs_fsync_range */',
    { function: 'vfs_fsync_range', context: 'task', us: 8194.709, program: 'perl', thread: 223 },
  ],
  [
    ' 0)    perl-223    |  ...1. | + 10.746 us   |  vfs_mkdir();',
    { function: 'vfs_mkdir', context: 'task', us: 10.746, program: 'perl', thread: 223 },
  ],
  [
    ' 0)    perl-223    |  .Ns2. | # 1077.516 us |    __udp4_lib_rcv();',
    { function: '__udp4_lib_rcv', context: 'softirq', us: 1077.516, program: 'perl', thread: 223 },
  ],
  [
    ' 0)    perl-223    |  ..... | * 61182.69 us |    } /* pipe_read */',
    { function: 'pipe_read', context: 'task', us: 61182.69, program: 'perl', thread: 223 },
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
  ' 0)    perl-223    |  ...1. |               |  ksys_read() {',
  ' ------------------------------------------',
  ' 0)  a-1   =>   b-2',
  '',
])('no end of a call: %s', text => {
  expect(parseGraphLine(text)).toBeUndefined();
});
