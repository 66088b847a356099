import { expect, test } from 'vitest';
import type { KernelFiles } from '../files.ts';
import { absent, type Because, present } from '../reading.ts';
import { readKmsg } from './read.ts';
import { parseKmsg } from './records.ts';

test('priority, sequence, time, and lines that belong to the record before', () => {
  expect(
    parseKmsg(
      '6,339,5140900,-;NET: Registered protocol family 10\n30,340,5690716,-,caller=T12;udevd[80]: starting\n SUBSYSTEM=acpi\n DEVICE=+acpi:PNP0A03:00\n',
    ),
  ).toEqual([
    {
      facility: 0,
      level: 6,
      sequence: 339,
      at: 5_140_900,
      continues: false,
      text: 'NET: Registered protocol family 10',
    },
    { facility: 3, level: 6, sequence: 340, at: 5_690_716, continues: false, text: 'udevd[80]: starting' },
  ]);
});

test.each([
  ['a\\x0ab', 'a\nb'],
  ['back\\x5cslash', 'back\\slash'],
  ['caf\\xc3\\xa9 \\xe2\\x82\\xac', 'café €'],
  ['bad \\xff.', 'bad \uFFFD.'],
  ['\\x1b[31m', '\u001B[31m'],
  ['a;b,c', 'a;b,c'],
  [' indented', ' indented'],
])('text %j', (written, text) => {
  expect(parseKmsg(`6,1,1,-;${written}\n`)[0]?.text).toBe(text);
});

test('what is no record is left out', () => {
  expect(parseKmsg('cut off\n,,;x\n6,1;x\n;\n')).toEqual([]);
});

const files = (because: Because): KernelFiles => {
  const gone = (path: string) => absent(path, because, '');
  return {
    root: '/',
    read: gone,
    list: gone,
    directories: gone,
    link: gone,
    status: gone,
    fileSystem: gone,
    log: gone,
  };
};

test.each(['not-permitted', 'vanished'] as const)('a log that is %s for us may not be read', because => {
  expect(readKmsg(files(because))).toMatchObject({ present: false, because: 'not-permitted' });
});

test('a stored log is read like the device', () => {
  const stored: KernelFiles = { ...files('vanished'), log: () => present('6,1,1,-;hello\n') };
  expect(readKmsg(stored)).toMatchObject({ present: true, value: [{ text: 'hello' }] });
});
