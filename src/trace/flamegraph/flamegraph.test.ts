import fc from 'fast-check';
import { expect, test } from 'vitest';
import { foldStacks, unfoldStacks } from './folded.ts';
import { toSpeedscope } from './speedscope.ts';
import type { Frame, WeightedStack } from './stack.ts';
import { toSvg } from './svg.ts';
import { hottestFunctions, mergeStacks } from './tree.ts';

const native = (name: string): Frame => ({ name, kind: 'native' });
const kernel = (name: string): Frame => ({ name, kind: 'kernel' });
const stacks: readonly WeightedStack[] = [
  { frames: [native('main'), native('read'), kernel('sys_read')], weight: 3 },
  { frames: [native('main'), native('work')], weight: 5 },
  { frames: [native('main'), native('read'), kernel('sys_read')], weight: 2 },
  { frames: [native('main'), native('work'), native('main')], weight: 1 },
];

test('folded: equal stacks once, the heaviest first, and back', () => {
  const text = foldStacks(stacks);
  expect(text).toBe('main;read;sys_read_[k] 5\nmain;work 5\nmain;work;main 1\n');
  expect(foldStacks(unfoldStacks(text))).toBe(text);
});

test('a name cannot forge a frame, a line or a weight', () => {
  const text = foldStacks([{ frames: [native('a;b\n c 7')], weight: 1 }]);
  expect(text).toBe('a:b  c 7 1\n');
});

test('boxes: the weight of a function is that of all it called', () => {
  const [main] = mergeStacks(stacks).children;
  expect(main?.weight).toBe(11);
  expect(main?.children.map(({ frame, weight, self }) => [frame.name, weight, self])).toEqual([
    ['read', 5, 0],
    ['work', 6, 5],
  ]);
});

test('shares: a function that calls itself counts once', () => {
  const shares = hottestFunctions(stacks).map(({ frame, self, total }) => [frame.name, self, total]);
  expect(shares).toContainEqual(['main', 1, 11]);
  expect(shares[0]).toEqual(['work', 5, 6]);
});

test('speedscope: every sample names frames that are there', () => {
  const file = JSON.parse(toSpeedscope({ title: 'web-1', unit: 'us', stacks }));
  const [profile] = file.profiles;
  expect(profile).toMatchObject({ type: 'sampled', unit: 'microseconds', endValue: 11 });
  expect(profile.samples.flat().every((index: number) => index < file.shared.frames.length)).toBe(true);
  expect(file.shared.frames).toContainEqual({ name: 'sys_read', file: '[kernel]' });
});

test('svg: one file that loads nothing, with a box for every function', () => {
  const svg = toSvg({ title: 'web-1', unit: 'samples', stacks });
  expect(svg.match(/<g data-s/g)).toHaveLength(6);
  expect(svg).not.toMatch(/(?:src|href)=/);
  expect(svg).toContain('sys_read [kernel]: 5 samples, 45.45 %; 5 samples in itself');
});

test('svg: no name becomes markup, script or a control character', () => {
  const hostile = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('</text><script>alert(1)</script>', ']]>', '"onload="x', '&lt;', '\x1b[31m', '\ud800'),
  );
  fc.assert(
    fc.property(hostile, hostile, (title, name) => {
      const [picture = '', script = ''] = toSvg({
        title,
        unit: 'samples',
        stacks: [{ frames: [native(name)], weight: 1 }],
      }).split('<script>');
      expect(script).toMatch(/^<!\[CDATA\[/);
      expect(script.match(/]]>/g)).toHaveLength(1);
      expect(picture).not.toMatch(/[\0-\x08\x0b\x0c\x0e-\x1f]|onload="x/);
      expect(picture.match(/<text/g)).toHaveLength(10);
    }),
    { numRuns: 50 },
  );
});

test('an empty profile is a picture, too', () => {
  expect(toSvg({ title: '', unit: 'samples', stacks: [] })).toContain('data-total="0"');
});
