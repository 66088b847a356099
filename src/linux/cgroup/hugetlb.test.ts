import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cgroupOf } from '../../../test/support/cgroup.ts';
import { present } from '../reading.ts';
import { hugetlbSizes, parseHugetlb, readHugetlb } from './hugetlb.ts';

const v1 = {
  'hugetlb.2MB.usage_in_bytes': '8388608\n',
  'hugetlb.2MB.limit_in_bytes': '8388608\n',
  'hugetlb.2MB.failcnt': '1\n',
  'hugetlb.2MB.max_usage_in_bytes': '8388608\n',
  'hugetlb.2MB.rsvd.usage_in_bytes': '4194304\n',
  'hugetlb.2MB.rsvd.limit_in_bytes': '8388608\n',
  'hugetlb.2MB.rsvd.failcnt': '2\n',
  'hugetlb.1GB.usage_in_bytes': '0\n',
  'hugetlb.1GB.limit_in_bytes': '9223372035781033984\n',
  'hugetlb.1GB.failcnt': '0\n',
};
const v2 = {
  'hugetlb.2MB.current': '8388608\n',
  'hugetlb.2MB.max': '8388608\n',
  'hugetlb.2MB.events': 'max 9\n',
  'hugetlb.2MB.events.local': 'max 1\n',
  'hugetlb.2MB.rsvd.current': '4194304\n',
  'hugetlb.2MB.rsvd.max': 'max\n',
  'hugetlb.1GB.current': '0\n',
  'hugetlb.1GB.max': 'max\n',
  'hugetlb.1GB.events': 'max 0\n',
};
const limited = { usage: 8_388_608, limit: { kind: 'limit', value: 8_388_608 }, failures: 1 };
const unlimited = { size: '1GB', usage: 0, limit: { kind: 'max' }, failures: 0 };

test('each page size of v1 and v2', () => {
  const promised = { usage: 4_194_304, limit: { kind: 'limit', value: 8_388_608 }, failures: 2 };
  expect(readHugetlb(cgroupOf('v1', v1))).toEqual(
    present({
      sizes: [unlimited, { size: '2MB', ...limited, peak: 8_388_608, reserved: promised }],
    }),
  );
  const open = { usage: 4_194_304, limit: { kind: 'max' } };
  expect(readHugetlb(cgroupOf('v2', v2))).toEqual(
    present({ sizes: [unlimited, { size: '2MB', ...limited, reserved: open }] }),
  );
});

test('the root of v2 has no files, which is no limit; elsewhere it is a missing controller', () => {
  expect(readHugetlb(cgroupOf('v2', {}, true))).toEqual(present({ sizes: [] }));
  expect(readHugetlb(cgroupOf('v2', {})).present).toBe(false);
});

test('a file of a size that cannot be read is told', () => {
  const { 'hugetlb.2MB.failcnt': _, ...rest } = v1;
  expect(readHugetlb(cgroupOf('v1', rest)).present).toBe(false);
});

test('no input throws, and only the kernel’s names count', () => {
  expect(hugetlbSizes(['hugetlb.x.current', 'hugetlb.2MB.max', 'xhugetlb.2MB.current'])).toEqual([]);
  fc.assert(fc.property(fc.string(), text => void parseHugetlb('2MB', text, text, text)));
  fc.assert(fc.property(fc.array(fc.string()), names => void hugetlbSizes(names)));
});
