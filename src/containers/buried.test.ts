import { expect, test } from 'vitest';
import { container, oomReport } from '../../test/support/facts.ts';
import { cgroupPath } from '../linux/units.ts';
import { findBuried } from './buried.ts';
import { selectContainers } from './select.ts';

const id = '3f2ac01b'.repeat(8);
const killedIn = (path: string | null) =>
  oomReport({ victimCgroup: path === null ? null : cgroupPath(path) });

test('by the path in the log: an engine’s, a runtime’s, and one made by hand', () => {
  const buried = findBuried(
    [killedIn(`/docker/${id}`), killedIn('/crun-box'), killedIn('/user/mine'), killedIn('/crun-box')],
    [],
  );
  expect(buried.map(({ engine, name }) => `${engine} ${name}`)).toEqual([
    'bare crun-box',
    'bare mine',
    `docker ${id.slice(0, 12)}`,
  ]);
  for (const selector of ['crun-box', 'cgroup:/user/mine', id.slice(0, 8), `cgroup:/docker/${id}`])
    expect(selectContainers(null, buried, selector).kind, selector).toBe('one');
  expect(selectContainers(null, buried, 'cgroup:/user').kind).toBe('one');
});

test('who is known otherwise, the root and reports without a path are left out', () => {
  const living = container({ cgroups: { memory: cgroupPath('/box/web-1') } });
  const remembered = container({ id, cgroups: {}, state: 'exited', init: null });
  const reports = ['/box/web-1', '/box/web-1/nested', `/x/docker-${id}.scope`, '/', null].map(killedIn);
  expect(findBuried(reports, [living, remembered])).toEqual([]);
  expect(findBuried([killedIn('/box/web-10')], [living])).toHaveLength(1);
});

test('a nested cgroup of an engine’s container is that container', () => {
  expect(findBuried([killedIn(`/docker/${id}/init.scope`)], [])[0]?.cgroups.memory).toBe(`/docker/${id}`);
});
