import { expect, test } from 'vitest';
import { hostPid, namespaceId } from '../linux/units.ts';
import { mergeSightings } from './merge.ts';
import type { ScannedProcess } from './scan.ts';
import { runningSighting } from './sighting.ts';

const process = (pid: number, mounts: number | null): ScannedProcess => ({
  pid: hostPid(pid),
  pidNamespace: namespaceId(5),
  mountNamespace: mounts === null ? null : namespaceId(mounts),
});
const scanOf = (...processes: readonly ScannedProcess[]) => ({ host: {}, processes, hidden: 0 });
const sighting = (engine: 'docker' | 'bare', id: string, pid: number) =>
  runningSighting({ engine, id, name: id, init: hostPid(pid) });

test('two engines name different processes of one container: the richest one’s words, once', () => {
  const merged = mergeSightings(scanOf(process(10, 7), process(11, 7)), [
    sighting('bare', 'pid-11', 11),
    { ...sighting('docker', '3f2a', 10), labels: { tier: 'web' } },
  ]);
  expect(merged).toMatchObject([{ id: '3f2a', engine: 'docker', labels: { tier: 'web' } }]);
});

test('those that share only their pids stay apart, ended ones without mounts too', () => {
  for (const [one, other] of [
    [7, 8],
    [null, null],
  ] as const)
    expect(
      mergeSightings(scanOf(process(10, one), process(11, other)), [
        sighting('docker', 'first', 10),
        sighting('docker', 'second', 11),
      ]),
    ).toHaveLength(2);
});

test('two that chose the same id get different ones', () => {
  const ids = mergeSightings(scanOf(process(10, 7), process(11, 8)), [
    sighting('docker', 'web', 10),
    sighting('docker', 'web', 11),
  ]).map(({ id }) => id);
  expect(ids).toEqual(['web', 'web@docker-11']);
});
