import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { container, fileSystem } from '../../test/support/facts.ts';
import { temporaryTree } from '../../test/support/tree.ts';
import { findLogs, parseLogConfig } from './engine-logs.ts';

const layer = (path: string) => fileSystem({}, { type: 'overlay', upper: { path, device: '8:1' } });

test('Podman: beside the storage that its layer is in', () => {
  const path = '/srv/containers/overlay-containers/f00/userdata/ctr.log';
  using tree = temporaryTree({
    [path]: 'said\n'.repeat(2000),
    '/srv/containers/overlay-containers/f00/userdata/config.json': '{}',
  });
  const box = container({ id: 'f00', engine: 'podman' });
  expect(findLogs(tree.files, box, [layer('/srv/containers/overlay/abc/diff')])).toMatchObject([
    { path, files: [{ path }] },
  ]);
});

test('Kubernetes: links of the pod’s own container lead to files, other pods and what is no file are left alone', () => {
  using tree = temporaryTree({
    '/var/log/pods/shop_web_1234/app/0.log.20261123-1': 'x'.repeat(9000),
    '/var/log/pods/shop_web_1234/app/1.log': 'x',
    '/var/log/pods/shop_web-2_99/app/0.log': 'x',
    '/var/log/pods/shop_web_1234/other/0.log': 'x',
    '/data/real': 'x'.repeat(5000),
  });
  symlinkSync('../../../../../data/real', join(tree.root, 'var/log/pods/shop_web_1234/app/2.log'));
  symlinkSync('/nowhere', join(tree.root, 'var/log/pods/shop_web_1234/app/3.log'));
  const box = container({ pod: { namespace: 'shop', name: 'web', container: 'app' } });
  const [log, ...others] = findLogs(tree.files, box, []);
  expect(others).toEqual([]);
  expect(log?.files.map(({ path }) => path.slice(path.lastIndexOf('/') + 1)).toSorted()).toEqual([
    '0.log.20261123-1',
    '1.log',
    '2.log',
  ]);
});

test('a label that is a path leads nowhere', () => {
  using tree = temporaryTree({ '/var/log/secret.log': 'x', '/var/log/pods/shop_web_1/app/0.log': 'x' });
  for (const name of ['../../..', '..', 'app/../../..']) {
    const box = container({ pod: { namespace: 'shop', name: 'web', container: name } });
    expect(findLogs(tree.files, box, [])).toEqual([]);
  }
});

test.each([
  [
    '{"LogConfig":{"Type":"json-file","Config":{"max-size":"1m","max-file":"2"}}}',
    { driver: 'json-file', options: ['max-size=1m', 'max-file=2'] },
  ],
  ['{"LogConfig":{"Type":"local","Config":null}}', { driver: 'local', options: [] }],
  ['{"LogConfig":null}', undefined],
  ['{"LogConfig":{"Type":7}}', undefined],
  ['null', undefined],
  ['{"LogConfig":', undefined],
])('LogConfig of %s', (text, keeper) => {
  expect(parseLogConfig(text)).toEqual(keeper);
});
