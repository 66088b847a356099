import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseBundleAnnotations, parseCrunStatus, parseRuncState } from './oci-state.ts';

/** runc 1.1.5 on Debian 12, most of `config` left out. */
const runc =
  '{"id":"web","init_process_pid":27524,"init_process_start":254152,"created":"2026-11-23T12:47:20.490657892Z",' +
  '"config":{"rootfs":"/tmp/b/rootfs","hostname":"web","labels":["bundle=/tmp/b"]},"rootless":false}';

/** runc 1.0.0-rc8, as Docker 19.03 brought it: the labels come with other keys and a space in the path. */
const olderRunc =
  '{"id":"c1","init_process_pid":41,"init_process_start":7,"created":"2019-09-03T08:00:00Z",' +
  '"config":{"labels":["x=bundle=/no","bundle=/run/my bundle"]},"new_in_some_version":{"a":[1]}}';

/** crun 1.8.1 on Debian 12. */
const crun =
  '{"pid": 39002, "process-start-time": 263609, "cgroup-path": "/web", "scope": "", "rootfs": "rootfs",' +
  '"systemd-cgroup": false, "bundle": "/tmp/b", "created": "2026-11-23T12:48:55.071467Z", "owner": "root"}';

describe('parseRuncState', () => {
  test('reads what identifies a container', () => {
    expect(parseRuncState(runc)).toEqual({
      id: 'web',
      init: 27524,
      startTime: 254152,
      created: '2026-11-23T12:47:20.490Z',
      bundle: '/tmp/b',
    });
    expect(parseRuncState(olderRunc)).toMatchObject({ id: 'c1', init: 41, bundle: '/run/my bundle' });
  });

  test.each([
    ['', undefined],
    [runc.slice(0, 90), undefined],
    ['null', undefined],
    ['[]', undefined],
    ['{"id":"","init_process_pid":5}', undefined],
    ['{"id":"x","init_process_pid":0}', undefined],
    ['{"id":"x","init_process_pid":-5}', undefined],
    ['{"id":"x","init_process_pid":"5"}', undefined],
    ['{"id":7,"init_process_pid":5}', undefined],
  ])('%j is no state', (text, expected) => {
    expect(parseRuncState(text)).toBe(expected);
  });

  test('what is odd is left out', () => {
    const odd =
      '{"id":"x","init_process_pid":5,"init_process_start":1e99,"created":"soon","config":{"labels":[7,"bundle=../.."]}}';
    expect(parseRuncState(odd)).toEqual({ id: 'x', init: 5, startTime: null, created: null, bundle: null });
  });
});

test('parseCrunStatus takes the id from the directory', () => {
  expect(parseCrunStatus(crun, 'web')).toEqual({
    id: 'web',
    init: 39002,
    startTime: 263609,
    created: '2026-11-23T12:48:55.071Z',
    bundle: '/tmp/b',
  });
  expect(parseCrunStatus(crun.slice(0, 30), 'web')).toBeUndefined();
});

test('parseBundleAnnotations keeps texts', () => {
  expect(parseBundleAnnotations('{"annotations":{"a":"1","b":2,"__proto__":"x"}}')).toEqual(
    Object.fromEntries([
      ['a', '1'],
      ['__proto__', 'x'],
    ]),
  );
  expect(parseBundleAnnotations('{"annotations":["a"]}')).toEqual({});
  expect(parseBundleAnnotations('no JSON')).toEqual({});
});

test('no text throws', () => {
  const texts = fc.oneof(fc.string(), fc.json(), fc.constantFrom(runc, crun).chain(cutAnywhere));
  fc.assert(
    fc.property(texts, text => {
      parseRuncState(text);
      parseCrunStatus(text, 'x');
      parseBundleAnnotations(text);
    }),
  );
});

function cutAnywhere(text: string): fc.Arbitrary<string> {
  return fc.nat(text.length).map(length => text.slice(0, length));
}
