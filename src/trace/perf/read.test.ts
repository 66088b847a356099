import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryTree } from '../../../test/support/tree.ts';
import { profileFromFile } from '../instruments/profile/recorded.ts';

const recorded = `node 7 1.1: cpu-clock: 
\tffffffff81b98907 xa_load+0x5f ([kernel.kallsyms])
\t           222a3 main+0x23 (/app/server)

node 7 1.2: cpu-clock: 
\t           222a3 main+0x23 (/app/server)

node 7 1.3: faults: 
\t           222a3 main+0x23 (/app/server)
`;

test('the text of perf script is a profile of its commonest event', async () => {
  using tree = temporaryTree({ '/recorded.txt': recorded });
  expect(await profileFromFile(join(tree.root, 'recorded.txt'))).toMatchObject({
    present: true,
    value: { engine: 'perf', event: 'cpu-clock', samples: 2, inKernel: 1, cpuSeconds: null },
  });
});

test.each([
  ['missing', 'there is no such file'],
  ['other.txt', 'it has no samples'],
])('%s is an absence with a remedy', async (name, remedy) => {
  using tree = temporaryTree({ '/other.txt': 'root:x:0:0\n' });
  expect(await profileFromFile(join(tree.root, name))).toMatchObject({
    present: false,
    remedy: expect.stringContaining(remedy),
  });
});
