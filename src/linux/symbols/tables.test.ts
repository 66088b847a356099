import fc from 'fast-check';
import { expect, test } from 'vitest';
import { temporaryTree } from '../../../test/support/tree.ts';
import { kernelAddress, parseKallsyms, readKernelSymbols } from './kallsyms.ts';
import { parsePerfMap } from './perf-map.ts';
import { symbolTable } from './table.ts';

const kallsyms = `ffffffff81000000 T _stext
ffffffff81000080 T entry_SYSCALL_64
ffffffff82000000 D jiffies
ffffffffc0001000 t veth_xmit\t[veth]
ffffffffc0003000 t bpf_prog_6deef7357e7b4530_sd\t[bpf]
`;

test('a kernel address lies in the last function at or below it', () => {
  using tree = temporaryTree({ '/proc/kallsyms': kallsyms });
  const table = readKernelSymbols(tree.files);
  const find = (address: bigint) => (table.present ? table.value.find(kernelAddress(address)) : undefined);
  expect(find(0xffffffff81000085n)).toEqual({ name: 'entry_SYSCALL_64', offset: 5 });
  expect(find(0xffffffffc0001000n)).toEqual({ name: 'veth_xmit', offset: 0 });
  expect(find(0xffffffff80000000n)).toBeUndefined();
});

test('neighbouring addresses of the upper half stay apart', () => {
  expect(kernelAddress(0xffff800000000001n) - kernelAddress(0xffff800000000000n)).toBe(1);
});

test('addresses that the kernel hides are an absence with the setting to change', () => {
  using tree = temporaryTree({ '/proc/kallsyms': '0000000000000000 T _stext\n0000000000000000 T _text\n' });
  expect(readKernelSymbols(tree.files)).toMatchObject({ present: false, because: 'not-permitted' });
});

test.each([
  ['empty', '', []],
  ['another form', 'no symbols here\n', undefined],
  ['cut short', 'ffffffff81000000 T _st', ['_st']],
  ['a line nobody knows', 'ffffffff81000000 T a\n# b\n', ['a']],
])('kallsyms: %s', (_, text, expected) => {
  expect(parseKallsyms(text)?.map(({ name }) => name())).toEqual(expected);
});

test('a compiler writes over its older code: the later line wins', () => {
  const text = '3ef0 40 LazyCompile:*old a.js:1\n3f40 10 Stub:x\n3ef0 20 LazyCompile:*new (x) a.js:2\n';
  const table = symbolTable(parsePerfMap(text));
  expect(table.find(0x3ef8)).toEqual({ name: 'LazyCompile:*new (x) a.js:2', offset: 8 });
  expect(table.find(0x3f38)).toBeUndefined();
  expect(table.find(0x3f40)?.name).toBe('Stub:x');
});

test.each(['', '\n', 'zz 10 x\n', '10 0 x\n', '10 -5 x\n', '10 10 \n', '10 10', 'ffffffffffffffff 10 x'])(
  'no entry of a map in %j',
  text => {
    expect(parsePerfMap(text)).toEqual([]);
  },
);

test('0x before the numbers, as some write it', () => {
  expect(parsePerfMap('0x10 0x8 f')).toMatchObject([{ start: 16, size: 8 }]);
});

test('no text throws', () => {
  fc.assert(
    fc.property(fc.string(), fc.integer(), (text, address) => {
      symbolTable(parsePerfMap(text)).find(address);
      symbolTable(parseKallsyms(text) ?? []).find(address);
    }),
  );
});
