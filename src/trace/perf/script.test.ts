import fc from 'fast-check';
import { expect, test } from 'vitest';
import { foldStacks } from '../flamegraph/folded.ts';
import { scriptParser } from './script.ts';

const recorded = `# ========
# captured on    : Mon Nov 23 15:17:20 2026
node 526941 [001] 11569.341538:    5025125 cpu-clock:ppp: 
\tffffffff81b98907 xa_load+0x5f ([kernel.kallsyms])
\tffffffffc0001111 veth_xmit+0x1 ([veth])
\t           222a3 strchr+0x23 (/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2)
\t    7f2e5c0a1000 LazyCompile:*handle (x) /app/server.js:12+0x10 (/tmp/perf-526941.map)
\t    7f2e5c0a1001 [unknown] ([unknown])
\t    7f2e5c0a1002 [unknown] (/usr/lib/two words.so)

node 526941/526950 11569.341540: cpu-clock:ppp: 
\tffffffff81b98907 xa_load+0x5f ([kernel.kallsyms])

my proc 7 x 12/12 11569.35: page-faults: 
\t             8e26 do_lookup_x ([vdso])
`;

const parse = (text: string, piece = text.length || 1) => {
  const parser = scriptParser();
  for (let at = 0; at < text.length; at += piece) parser.write(text.slice(at, at + piece));
  return parser.finish();
};

test('samples by event, stacks outermost first', () => {
  const [clock, faults] = parse(recorded);
  expect([clock?.event, clock?.samples, faults?.event, faults?.samples]).toEqual([
    'cpu-clock:ppp',
    2,
    'page-faults',
    1,
  ]);
  expect(foldStacks(clock?.stacks ?? [])).toBe(
    'node;[two words.so];[unknown];LazyCompile:*handle (x) /app/server.js:12_[j];strchr;veth_xmit_[k];xa_load_[k] 1\nnode;xa_load_[k] 1\n',
  );
  expect(foldStacks(faults?.stacks ?? [])).toBe('my proc 7 x;do_lookup_x 1\n');
});

test('pieces of any size give the same', () => {
  for (const size of [1, 7, 64]) expect(parse(recorded, size)).toEqual(parse(recorded));
});

test.each(['', '\n\n', 'perf: no samples\n', '\tffff x (y)\n'])('nothing in %j', text => {
  expect(parse(text)).toEqual([]);
});

test('no text throws', () => {
  fc.assert(fc.property(fc.string(), text => parse(`a 1 1.1: e: \n\t${text}\n${text}`).length >= 0));
});
