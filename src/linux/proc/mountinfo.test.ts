import { expect, test } from 'vitest';
import { parseMountinfo, unescapeOctal } from './mountinfo.ts';

/** Linux 6.18: an empty source, a newline in the path, a source that imitates the separator, an escaped comma. */
const hostile618 = String.raw`85 65 0:40 / /tmp/a\040b rw,relatime - tmpfs  rw
86 65 0:41 / /tmp/n\012l\134t# rw,relatime - tmpfs src\040(x)\040-\040ext4\040y rw
89 85 0:42 / /tmp/a\040b/m rw,relatime - overlay overlay rw,lowerdir=lo\134\054w\134:er,upperdir=up,workdir=wk,uuid=on
`;
/** Linux 5.4, Docker. */
const docker54 = `611 540 0:49 / / rw,relatime master:244 - overlay overlay rw,lowerdir=/var/lib/docker/overlay2/l/A:/var/lib/docker/overlay2/l/B,upperdir=/u,workdir=/w
616 611 0:52 / /proc rw,nosuid,nodev,noexec,relatime - proc proc rw
620 611 8:1 /var/lib/docker/containers/3f2a/resolv.conf /etc/resolv.conf rw,relatime shared:1 master:2 propagate_from:3 - ext4 /dev/sda1 rw,errors=remount-ro
`;

test('escapes are undone, fields stay where they are', () => {
  expect(parseMountinfo(hostile618)).toEqual([
    {
      id: 85,
      parent: 65,
      device: '0:40',
      root: '/',
      mountPoint: '/tmp/a b',
      options: ['rw', 'relatime'],
      type: 'tmpfs',
      source: '',
      superOptions: ['rw'],
    },
    expect.objectContaining({ mountPoint: '/tmp/n\nl\\t#', type: 'tmpfs', source: 'src (x) - ext4 y' }),
    expect.objectContaining({
      superOptions: ['rw', 'lowerdir=lo\\,w\\:er', 'upperdir=up', 'workdir=wk', 'uuid=on'],
    }),
  ]);
});

test('any number of optional fields', () => {
  expect(parseMountinfo(docker54)).toMatchObject([
    { mountPoint: '/', type: 'overlay', source: 'overlay' },
    { mountPoint: '/proc', options: ['rw', 'nosuid', 'nodev', 'noexec', 'relatime'] },
    { root: '/var/lib/docker/containers/3f2a/resolv.conf', device: '8:1', source: '/dev/sda1' },
  ]);
});

test('a line that is cut off is left out; a text without any mount is refused', () => {
  expect(parseMountinfo(docker54.slice(0, 200))).toHaveLength(1);
  expect(parseMountinfo('')).toEqual([]);
  expect(parseMountinfo('hello world\n')).toBeUndefined();
});

test.each([
  [String.raw`\040\011\012\134`, ' \t\n\\'],
  [String.raw`\043x`, '#x'],
  [String.raw`\08`, String.raw`\08`],
  [String.raw`\400`, String.raw`\400`],
  ['\\', '\\'],
])('octal %j', (written, text) => {
  expect(unescapeOctal(written)).toBe(text);
});
