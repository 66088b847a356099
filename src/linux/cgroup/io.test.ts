import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cgroupOf } from '../../../test/support/cgroup.ts';
import { present } from '../reading.ts';
import {
  parseBlkioDevices,
  parseBlkioLimits,
  parseIoCostQos,
  parseIoMax,
  parseIoStat,
  parseIoWeight,
  readIo,
} from './io.ts';

// Linux 6.18 v1, a container that wrote to a loop device and read from a disk.
const serviceBytes = `254:0 Read 1459200
254:0 Write 0
254:0 Sync 1459200
254:0 Async 0
254:0 Discard 0
254:0 Total 1459200
7:0 Read 0
7:0 Write 314773504
7:0 Sync 314773504
7:0 Async 0
7:0 Discard 0
7:0 Total 314773504
Total 316232704
`;
const serviced = serviceBytes.replaceAll('1459200', '192').replaceAll('314773504', '353');
const twoDevices = [
  { device: '254:0', readBytes: 1_459_200, writtenBytes: 0, reads: 192, writes: 0 },
  { device: '7:0', readBytes: 0, writtenBytes: 314_773_504, reads: 0, writes: 353 },
];

test('v1: bytes and operations of each device', () => {
  expect(parseBlkioDevices(serviceBytes, serviced)).toEqual(twoDevices);
});

test.each([
  ['no I/O at all', 'Total 0\n', 'Total 0\n'],
  ['empty', '', ''],
  ['cut short', '254:0 Re', '254:0'],
  ['a device without a name', 'Read 4096\n', ' Read 1\n'],
])('v1, %s: no devices', (_, byteText, operationText) => {
  expect(parseBlkioDevices(byteText, operationText)).toEqual([]);
});

test('v1: a device that one of the two files does not know yet', () => {
  expect(parseBlkioDevices('8:0 Read 4096\nTotal 4096\n', 'Total 0\n')).toEqual([
    { device: '8:0', readBytes: 4096, writtenBytes: 0, reads: 0, writes: 0 },
  ]);
});

test('v1 limits', () => {
  expect(parseBlkioLimits('write-bytes', '7:0 8388608\n254:0 1048576\n')).toEqual([
    { device: '7:0', kind: 'write-bytes', perSecond: 8_388_608 },
    { device: '254:0', kind: 'write-bytes', perSecond: 1_048_576 },
  ]);
  expect(parseBlkioLimits('reads', '')).toEqual([]);
});

test('v2 io.stat of 6.1 and of 5.4', () => {
  const expected = [
    { device: '254:0', readBytes: 1_459_200, writtenBytes: 314_773_504, reads: 192, writes: 353 },
  ];
  const text = '254:0 rbytes=1459200 wbytes=314773504 rios=192 wios=353 dbytes=0 dios=0\n';
  expect(parseIoStat(`7:0 \n${text}`)).toEqual(expected);
  expect(parseIoStat(`7:1 7:0 ${text}`)).toEqual(expected);
  expect(parseIoStat(text.replace('dios=0', 'dios=0 cost.usage=5 cost.wait=0'))).toEqual(expected);
  expect(parseIoStat('254:0\n')).toEqual([]);
});

test('v2 io.max: max is no limit', () => {
  expect(parseIoMax('8:16 rbps=2097152 wbps=max riops=max wiops=120\n8:0 rbps=max wbps=max\n')).toEqual([
    { device: '8:16', kind: 'read-bytes', perSecond: 2_097_152 },
    { device: '8:16', kind: 'writes', perSecond: 120 },
  ]);
});

test.each([
  ['default 100\n', 100],
  ['100\n', 100],
  ['default 250\n8:16 200\n', 250],
  ['', undefined],
  ['default\n', undefined],
])('weight %j', (text, expected) => {
  expect(parseIoWeight(text)).toBe(expected);
});

test('a v1 cgroup: recursive counters where the kernel has them', () => {
  const files = {
    'blkio.throttle.io_service_bytes': 'Total 0\n',
    'blkio.throttle.io_serviced': 'Total 0\n',
    'blkio.throttle.write_bps_device': '7:0 8388608\n',
    'blkio.bfq.weight': '100\n',
  };
  expect(readIo(cgroupOf('v1', files))).toMatchObject({
    value: { devices: [], limits: [{ device: '7:0' }], weight: present(100) },
  });
  const recursive = {
    ...files,
    'blkio.throttle.io_service_bytes_recursive': serviceBytes,
    'blkio.throttle.io_serviced_recursive': serviced,
  };
  expect(readIo(cgroupOf('v1', recursive))).toMatchObject({ value: { devices: twoDevices } });
});

test('a v2 cgroup, its root, and one without the controller', () => {
  const stat = '254:0 rbytes=1 wbytes=2 rios=3 wios=4\n';
  expect(readIo(cgroupOf('v2', { 'io.stat': stat, 'io.max': '' }))).toMatchObject({
    value: { devices: [{ device: '254:0', writes: 4 }], limits: [], weight: { present: false } },
  });
  expect(readIo(cgroupOf('v2', {}, true))).toMatchObject({ value: { devices: [], limits: [] } });
  expect(readIo(cgroupOf('v2', {})).present).toBe(false);
});

test('no input throws', () => {
  const words = fc.constantFrom(
    '8:0',
    '253:10',
    'Read',
    'Total',
    'rbytes=1',
    'rbps=max',
    '=',
    ' ',
    '\n',
    '-1',
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(words).map(parts => parts.join(' ')),
      ),
      text => {
        parseBlkioDevices(text, text);
        parseBlkioLimits('reads', text);
        parseIoStat(text);
        parseIoMax(text);
        parseIoWeight(text);
      },
    ),
  );
});

test('io.cost.qos: the devices where it is on', () => {
  const text =
    '8:0 enable=1 ctrl=auto rpct=95.00 rlat=75000 wpct=95.00 wlat=150000 min=50.00 max=150.00\n8:16 enable=0 ctrl=auto\n';
  expect(parseIoCostQos(text)).toEqual(['8:0']);
  expect(parseIoCostQos('')).toEqual([]);
});
