import { expect, test } from 'vitest';
import { parseGraphLine } from './parse.ts';

test.each([
  [
    ' 1)     dd-4711      | * 15012.34 us |  } /* vfs_fsync_range */',
    { function: 'vfs_fsync_range', us: 15012.34, program: 'dd', thread: 4711 },
  ],
  [
    ' 0)    a-b c-77      |   1.234 us    |  vfs_getattr();',
    { function: 'vfs_getattr', us: 1.234, program: 'a-b c', thread: 77 },
  ],
  [
    ' 0)    kworker-9     | ! 150.000 us |            } /* ext4_sync_file [ext4] */',
    { function: 'ext4_sync_file', us: 150, program: 'kworker', thread: 9 },
  ],
  [
    ' 3)    sh-12     | $ 3000123 us |  } /* __x64_sys_wait4.part.0 ret=0x10 */',
    { function: '__x64_sys_wait4.part.0', us: 3000123, program: 'sh', thread: 12 },
  ],
])('%s', (text, expected) => {
  expect(parseGraphLine(text)).toEqual(expected);
});

test.each([
  '# tracer: function_graph',
  ' 1)     dd-4711      |               |  vfs_write() {',
  ' ------------------------------------------',
  ' 0)  a-1   =>   b-2',
  '',
])('no end of a call: %s', text => {
  expect(parseGraphLine(text)).toBeUndefined();
});
