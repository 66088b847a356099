import type { Frame, FrameKind, WeightedStack } from './stack.ts';

/** The endings by which tools that read folded stacks choose colours: _[k] kernel, _[j] compiled at run time. */
const endings: Readonly<Record<FrameKind, string>> = {
  kernel: '_[k]',
  jit: '_[j]',
  native: '',
  unknown: '',
  mark: '',
};

/** A name is data: neither a separator nor a line of its own comes out of it. */
const foldFrame = ({ name, kind }: Frame): string =>
  `${name.replaceAll(';', ':').replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, ' ')}${endings[kind]}`;

/** `node;main;handle_[j];do_syscall_64_[k] 12`, one line for each different stack, the heaviest first. */
export function foldStacks(stacks: readonly WeightedStack[]): string {
  const weights = new Map<string, number>();
  for (const { frames, weight } of stacks) {
    const line = frames.map(foldFrame).join(';');
    weights.set(line, (weights.get(line) ?? 0) + weight);
  }
  return [...weights]
    .toSorted(([, a], [, b]) => b - a)
    .map(([line, weight]) => `${line} ${Math.round(weight)}\n`)
    .join('');
}

/** The same text read back; lines of another form are left out. */
export function unfoldStacks(text: string): readonly WeightedStack[] {
  return text.split('\n').flatMap(line => {
    const match = /^(.+) (\d{1,15})$/.exec(line);
    const [, path = '', weight] = match ?? [];
    return match === null ? [] : [{ frames: path.split(';').map(unfoldFrame), weight: Number(weight) }];
  });
}

function unfoldFrame(text: string): Frame {
  for (const kind of ['kernel', 'jit'] as const)
    if (text.endsWith(endings[kind])) return { name: text.slice(0, -endings[kind].length), kind };
  return { name: text, kind: 'native' };
}
