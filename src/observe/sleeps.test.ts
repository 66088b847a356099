import { expect, test } from 'vitest';
import { temporaryTree } from '../../test/support/tree.ts';
import { hostPid } from '../linux/units.ts';
import { createSleepSampler } from './sleeps.ts';

const pid = hostPid(77);
const stat = (state: string) =>
  `77 (dd) ${state} 1 77 77 0 -1 4194304 100 0 0 0 1 2 0 0 20 0 1 0 5000 1000000 100 18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n`;
const frame = (name: string) => `[<0>] ${name}+0x1a/0x200\n`;
const stack = ['folio_wait_bit', 'shrink_folio_list', 'try_to_free_mem_cgroup_pages', 'try_charge_memcg']
  .map(frame)
  .join('');
const files = (state: string, kernelStack = stack) => ({
  '/proc/77/stat': stat(state),
  '/proc/77/wchan': 'folio_wait_bit',
  '/proc/77/task/77/stack': kernelStack,
});

test('asleep in reclaim, in every second look', () => {
  using tree = temporaryTree(files('D'));
  const sampler = createSleepSampler(tree.files, [pid], true);
  sampler.look();
  tree.write({ '/proc/77/stat': stat('R') });
  sampler.look();
  expect(sampler.finish().get(pid)).toEqual({ looks: 2, channels: { folio_wait_bit: 1 }, reclaiming: 1 });
});

test('asleep for a read, and where stacks cannot be read', () => {
  using reads = temporaryTree(files('D', ['folio_wait_bit', 'filemap_fault'].map(frame).join('')));
  const sampler = createSleepSampler(reads.files, [pid], true);
  sampler.look();
  expect(sampler.finish().get(pid)).toEqual({ looks: 1, channels: { folio_wait_bit: 1 } });
  const { '/proc/77/task/77/stack': _, ...others } = files('D');
  using closed = temporaryTree(others);
  const blind = createSleepSampler(closed.files, [pid], true);
  blind.look();
  expect(blind.finish().get(pid)).toEqual({ looks: 1, channels: { folio_wait_bit: 1 } });
});

test('nobody asked, or gone', () => {
  using tree = temporaryTree(files('D'));
  const idle = createSleepSampler(tree.files, [pid], false);
  idle.look();
  expect(idle.finish().size).toBe(0);
  const other = createSleepSampler(tree.files, [hostPid(78)], true);
  other.look();
  expect(other.finish().size).toBe(0);
});
