import { expect, test } from 'vitest';
import { mayMakeDisks, mayOpen, parseDevicesList } from './devices.ts';

/** What Docker writes on v1: any node may be made, few may be opened. */
const docker = parseDevicesList(
  'c 136:* rwm\nc 5:2 rwm\nc 5:0 rwm\nc 1:3 rwm\nb *:* m\nc *:* m\nc 1:5 rwm\n',
);
const everything = parseDevicesList('a *:* rwm\n');
const disk = { type: 'block', major: 8, minor: 0 } as const;
const nullDevice = { type: 'character', major: 1, minor: 3 } as const;

test('default rules of Docker: no disk can be opened, whatever is made', () => {
  expect(docker).toHaveLength(7);
  expect(mayOpen(docker ?? [], disk)).toBe(false);
  expect(mayOpen(docker ?? [], nullDevice)).toBe(true);
  expect(mayMakeDisks(docker ?? [])).toBe(false);
});

test('nothing forbidden', () => {
  expect(mayOpen(everything ?? [], disk)).toBe(true);
  expect(mayMakeDisks(everything ?? [])).toBe(true);
});

test('one disk is enough', () => {
  const rules = parseDevicesList('b 8:0 rm\n') ?? [];
  expect(mayOpen(rules, disk)).toBe(true);
  expect(mayOpen(rules, { ...disk, minor: 1 })).toBe(false);
  expect(mayMakeDisks(rules)).toBe(true);
});

test('an empty list forbids all; other text is refused', () => {
  expect(mayMakeDisks(parseDevicesList('') ?? [])).toBe(false);
  expect(parseDevicesList('b 8:0\n')).toBeUndefined();
});
