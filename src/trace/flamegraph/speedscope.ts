import { type Profile, totalWeight } from './stack.ts';

/** A profile as speedscope.app reads it (its file format is "speedscope", a JSON schema of the same name). */
export function toSpeedscope({ title, unit, stacks }: Profile): string {
  const numbers = new Map<string, number>();
  const frames: { readonly name: string; readonly file?: string }[] = [];
  const numberOf = (name: string, file: string | undefined): number => {
    const key = `${file ?? ''}\0${name}`;
    const known = numbers.get(key);
    if (known !== undefined) return known;
    numbers.set(key, frames.length);
    frames.push(file === undefined ? { name } : { name, file });
    return frames.length - 1;
  };
  const samples = stacks.map(stack =>
    stack.frames.map(({ name, kind, module }) => numberOf(name, kind === 'kernel' ? '[kernel]' : module)),
  );
  return `${JSON.stringify({
    $schema: 'https://www.speedscope.app/file-format-schema.json',
    exporter: 'glassbox',
    name: title,
    activeProfileIndex: 0,
    shared: { frames },
    profiles: [
      {
        type: 'sampled',
        name: title,
        unit: unit === 'us' ? 'microseconds' : 'none',
        startValue: 0,
        endValue: totalWeight(stacks),
        samples,
        weights: stacks.map(({ weight }) => weight),
      },
    ],
  })}\n`;
}
