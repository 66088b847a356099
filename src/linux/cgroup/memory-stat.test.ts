import fc from 'fast-check';
import { expect, test } from 'vitest';
import { present } from '../reading.ts';
import { bytes } from '../units.ts';
import { parseMemoryStatV1, parseMemoryStatV2 } from './memory-stat.ts';

const kernel = present(bytes(4096));

// Linux 6.18, the root of the hierarchy on a small machine.
const v1 = `cache 9240576
rss 13180928
rss_huge 0
shmem 9068544
mapped_file 7503872
dirty 131072
writeback 0
workingset_refault_anon 0
workingset_refault_file 224
swap 0
swapcached 0
pgpgin 41568
pgpgout 36094
pgfault 47016
pgmajfault 0
inactive_anon 0
active_anon 1531904
inactive_file 12288
active_file 159744
unevictable 20717568
hierarchical_memory_limit 9223372036854771712
hierarchical_memsw_limit 9223372036854771712
total_cache 663973888
total_rss 80191488
total_rss_huge 2097152
total_shmem 9068544
total_mapped_file 17928192
total_dirty 6287360
total_writeback 4096
total_workingset_refault_anon 0
total_workingset_refault_file 158874
total_swap 0
total_swapcached 0
total_pgpgin 1666903
total_pgpgout 1564139
total_pgfault 2032824
total_pgmajfault 604
total_inactive_anon 66801664
total_active_anon 1613824
total_inactive_file 539574272
total_active_file 115331072
total_unevictable 20717568
`;

test('v1: the hierarchy, not the cgroup alone; shared memory is taken out of the cache', () => {
  expect(parseMemoryStatV1(v1, kernel)).toEqual({
    anonymous: 80_191_488,
    file: 663_973_888 - 9_068_544,
    shared: 9_068_544,
    kernel,
    slab: expect.objectContaining({ present: false }),
    inactiveFile: 539_574_272,
    activeFile: 115_331_072,
    inactiveAnonymous: 66_801_664,
    activeAnonymous: 1_613_824,
    unevictable: 20_717_568,
    dirty: 6_287_360,
    writeback: 4096,
    mapped: 17_928_192,
    fileRefaults: present(158_874),
    anonymousRefaults: 0,
    majorFaults: 604,
    anonymousHuge: present(2_097_152),
  });
});

test('v1 of 3.10: no shmem, no dirty, no refaults', () => {
  const old = `cache 4096
rss 8192
total_cache 12288
total_rss 8192
total_rss_huge 0
total_mapped_file 0
total_swap 0
total_pgpgin 5
total_pgpgout 0
total_pgfault 7
total_pgmajfault 1
total_inactive_anon 0
total_active_anon 8192
total_inactive_file 4096
total_active_file 8192
total_unevictable 0
`;
  expect(parseMemoryStatV1(old, kernel)).toMatchObject({
    file: 12_288,
    shared: 0,
    majorFaults: 1,
    fileRefaults: { present: false, because: 'kernel-too-old' },
  });
});

// The form of Linux 6.1; values of a container that runs a database.
const v2 = `anon 13180928
file 663973888
kernel 25165824
kernel_stack 1081344
pagetables 2793472
sec_pagetables 0
percpu 18240
sock 4096
vmalloc 24576
shmem 9068544
zswap 0
zswapped 0
file_mapped 17928192
file_dirty 6287360
file_writeback 4096
swapcached 0
anon_thp 2097152
file_thp 0
shmem_thp 0
inactive_anon 20070400
active_anon 2179072
inactive_file 539574272
active_file 115331072
unevictable 0
slab_reclaimable 18563072
slab_unreclaimable 2621440
slab 21184512
workingset_refault_anon 0
workingset_refault_file 158874
workingset_activate_anon 0
workingset_activate_file 0
pgscan 0
pgsteal 0
pgfault 2032824
pgmajfault 604
thp_fault_alloc 1
`;

test('v2 of 6.1', () => {
  expect(parseMemoryStatV2(v2)).toEqual({
    anonymous: 13_180_928,
    file: 663_973_888 - 9_068_544,
    shared: 9_068_544,
    kernel: present(25_165_824),
    slab: present(21_184_512),
    kernelParts: {
      reclaimableSlab: 18_563_072,
      stacks: 1_081_344,
      pageTables: 2_793_472,
      otherSlab: 2_621_440,
      perCpu: 18_240,
    },
    sockets: 4096,
    inactiveFile: 539_574_272,
    activeFile: 115_331_072,
    inactiveAnonymous: 20_070_400,
    activeAnonymous: 2_179_072,
    unevictable: 0,
    dirty: 6_287_360,
    writeback: 4096,
    mapped: 17_928_192,
    fileRefaults: present(158_874),
    anonymousRefaults: 0,
    majorFaults: 604,
    anonymousHuge: present(2_097_152),
  });
});

test('v2 of 5.4: kernel memory is the sum of its parts, refaults have their old name', () => {
  const old = `anon 135168
file 1757184
kernel_stack 36864
slab 647168
sock 0
shmem 0
file_mapped 135168
file_dirty 0
file_writeback 0
anon_thp 0
inactive_anon 0
active_anon 135168
inactive_file 1486848
active_file 270336
unevictable 0
slab_reclaimable 405504
slab_unreclaimable 241664
pgfault 2079
pgmajfault 0
workingset_refault 33
workingset_activate 0
`;
  expect(parseMemoryStatV2(old)).toMatchObject({
    kernel: present(36_864 + 647_168),
    fileRefaults: present(33),
    majorFaults: 0,
  });
});

test.each([
  '',
  'anon 1\n',
  'total_cache\n',
  v2.slice(0, 20),
  v2.slice(0, v2.indexOf('active_file 115') + 14),
  v1.slice(0, v1.indexOf('total_active_file') + 20),
  'Anon 1\nFile 2\n',
])('no statistics in %j', text => {
  expect(parseMemoryStatV1(text, kernel)).toBeUndefined();
  expect(parseMemoryStatV2(text)).toBeUndefined();
});

test('counters that are read one after the other never make a negative amount', () => {
  expect(parseMemoryStatV2(v2.replace(/^file .*/m, 'file 4096'))?.file).toBe(0);
});

test('no input throws', () => {
  fc.assert(
    fc.property(fc.string(), fc.nat(v1.length), (text, at) => {
      parseMemoryStatV1(text, kernel);
      parseMemoryStatV1(v1.slice(0, at) + text, kernel);
      parseMemoryStatV2(v2.slice(0, at) + text);
    }),
  );
});
