import type { KernelFiles } from '../files.ts';
import { absent, flatMapReading, mapReading, orElse, parsed, present, type Reading } from '../reading.ts';
import { bytes, parseCount } from '../units.ts';
import type { CgroupDirectory } from './directory.ts';
import type { IoDevice, IoLimit, IoSample } from './model.ts';

export function readIo(cgroup: CgroupDirectory): Reading<IoSample> {
  return cgroup.version === 'v1' ? readBlkio(cgroup) : readIoV2(cgroup);
}

/** The _recursive files count descendants too, as v2 does; kernels without them count the cgroup alone. */
function readBlkio(cgroup: CgroupDirectory): Reading<IoSample> {
  const stat = (name: string): Reading<string> => {
    const recursive = cgroup.read(`blkio.throttle.${name}_recursive`);
    return recursive.present ? recursive : cgroup.read(`blkio.throttle.${name}`);
  };
  return flatMapReading(stat('io_service_bytes'), byteText =>
    mapReading(stat('io_serviced'), operationText => ({
      devices: parseBlkioDevices(byteText, operationText),
      ...(cgroup.isRoot ? { ownDevices: readOwnDevices(cgroup) } : {}),
      limits: v1Limits.flatMap(([name, kind]) =>
        parseBlkioLimits(kind, orElse(cgroup.read(`blkio.throttle.${name}_device`), '')),
      ),
      weight: readWeight(cgroup, ['blkio.bfq.weight', 'blkio.weight']),
    })),
  );
}

const readOwnDevices = (cgroup: CgroupDirectory): readonly IoDevice[] =>
  parseBlkioDevices(
    orElse(cgroup.read('blkio.throttle.io_service_bytes'), ''),
    orElse(cgroup.read('blkio.throttle.io_serviced'), ''),
  );

const v1Limits = [
  ['read_bps', 'read-bytes'],
  ['write_bps', 'write-bytes'],
  ['read_iops', 'reads'],
  ['write_iops', 'writes'],
] as const satisfies readonly (readonly [string, IoLimit['kind']])[];

/**
 * blkio.throttle.io_service_bytes and io_serviced: `8:0 Read 4096`, also Write, Sync, Async, Discard, Total per
 * device, and a `Total 4096` line for all (cgroup-v1/blkio-controller.rst).
 */
export function parseBlkioDevices(byteText: string, operationText: string): readonly IoDevice[] {
  const byteCounts = perDevice(byteText);
  const operations = perDevice(operationText);
  return [...new Set([...byteCounts.keys(), ...operations.keys()])].map(device => ({
    device,
    readBytes: bytes(byteCounts.get(device)?.get('Read') ?? 0),
    writtenBytes: bytes(byteCounts.get(device)?.get('Write') ?? 0),
    reads: operations.get(device)?.get('Read') ?? 0,
    writes: operations.get(device)?.get('Write') ?? 0,
  }));
}

function perDevice(text: string): ReadonlyMap<string, ReadonlyMap<string, number>> {
  const devices = new Map<string, Map<string, number>>();
  for (const line of text.split('\n')) {
    const [device = '', operation = '', digits] = line.trim().split(/\s+/);
    const count = parseCount(digits);
    if (!isDevice(device) || count === undefined) continue;
    const counts = devices.get(device) ?? new Map<string, number>();
    devices.set(device, counts.set(operation, count));
  }
  return devices;
}

const isDevice = (word: string): boolean => /^\d+:\d+$/.test(word);

/** blkio.throttle.*_device: `8:0 8388608`, one line for each device that has a limit. */
export function parseBlkioLimits(kind: IoLimit['kind'], text: string): readonly IoLimit[] {
  return text.split('\n').flatMap(line => {
    const [device = '', digits] = line.trim().split(/\s+/);
    const perSecond = parseCount(digits);
    return isDevice(device) && perSecond !== undefined ? [{ device, kind, perSecond }] : [];
  });
}

/** io.stat is not there at the root before 5.10; no file means that nothing was counted here. */
function readIoV2(cgroup: CgroupDirectory): Reading<IoSample> {
  const stat = cgroup.read('io.stat');
  if (!stat.present && !cgroup.isRoot) return stat;
  return present({
    devices: parseIoStat(orElse(stat, '')),
    limits: parseIoMax(orElse(cgroup.read('io.max'), '')),
    weight: readWeight(cgroup, ['io.weight', 'io.bfq.weight']),
    ...(cgroup.isRoot ? { costOn: parseIoCostQos(orElse(cgroup.read('io.cost.qos'), '')) } : {}),
  });
}

/**
 * v2 io.stat: `8:16 rbytes=1459200 wbytes=314773504 rios=192 wios=353 dbytes=0 dios=0`, nested keyed.
 * Some 5.x kernels write a device without figures that has been idle and go on in the same line (`253:10 254:0 rbytes=…`).
 */
export function parseIoStat(text: string): readonly IoDevice[] {
  return keyedDevices(text).map(({ device, values }) => ({
    device,
    readBytes: bytes(parseCount(values.get('rbytes')) ?? 0),
    writtenBytes: bytes(parseCount(values.get('wbytes')) ?? 0),
    reads: parseCount(values.get('rios')) ?? 0,
    writes: parseCount(values.get('wios')) ?? 0,
  }));
}

/** v2 io.max: `8:16 rbps=2097152 wbps=max riops=max wiops=120`. */
export function parseIoMax(text: string): readonly IoLimit[] {
  return keyedDevices(text).flatMap(({ device, values }) =>
    v2Limits.flatMap(([key, kind]) => {
      const perSecond = parseCount(values.get(key));
      return perSecond === undefined ? [] : [{ device, kind, perSecond }];
    }),
  );
}

/** v2's root io.cost.qos: `8:0 enable=1 ctrl=auto rpct=95.00 … max=150.00`; the devices where it is on. */
export const parseIoCostQos = (text: string): readonly string[] =>
  keyedDevices(text).flatMap(({ device, values }) => (values.get('enable') === '1' ? [device] : []));

const v2Limits = [
  ['rbps', 'read-bytes'],
  ['wbps', 'write-bytes'],
  ['riops', 'reads'],
  ['wiops', 'writes'],
] as const satisfies readonly (readonly [string, IoLimit['kind']])[];

function keyedDevices(text: string): readonly { device: string; values: ReadonlyMap<string, string> }[] {
  return text.split('\n').flatMap(line => {
    const words = line.trim().split(/\s+/);
    const device = words.findLast(isDevice);
    const pairs = words.flatMap(word => {
      const at = word.indexOf('=');
      return at === -1 ? [] : [[word.slice(0, at), word.slice(at + 1)] as const];
    });
    return device === undefined || pairs.length === 0 ? [] : [{ device, values: new Map(pairs) }];
  });
}

function readWeight(cgroup: CgroupDirectory, names: readonly string[]): Reading<number> {
  for (const name of names) {
    const text = cgroup.read(name);
    if (text.present) return parsed(name, parseIoWeight(text.value));
  }
  return absent(
    `${cgroup.directory}/${names[0]}`,
    'disabled',
    'needs a scheduler or controller with weights: BFQ on the disk, or io.cost',
  );
}

/** `default 100` with lines for single devices after it, or `100` alone. */
export function parseIoWeight(text: string): number | undefined {
  const [first = ''] = text.split('\n');
  return parseCount(first.replace(/^default\s+/, '').trim());
}

/** For who has the directory of a cgroup and nothing else; not for the root. */
export function readIoAt(files: KernelFiles, directory: string): Reading<IoSample> {
  const isV1 = files.status(`${directory}/blkio.throttle.io_service_bytes`).present;
  return readIo({
    directory,
    version: isV1 ? 'v1' : 'v2',
    isRoot: false,
    read: name => files.read(`${directory}/${name}`),
    list: () => files.list(directory),
    close: () => {},
  });
}
