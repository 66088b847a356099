import type { Frame, WeightedStack } from '../flamegraph/stack.ts';

/** What came of one event of a recording. */
export interface RecordedEvent {
  /** `cpu-clock:ppp`, `cycles`. */
  readonly event: string;
  readonly samples: number;
  /** Each different stack once, with its number of samples; the outermost frame is the name of the process. */
  readonly stacks: readonly WeightedStack[];
}

export interface ScriptParser {
  /** The next piece of text, cut anywhere. */
  write(text: string): void;
  /** The events of the recording, the one with the most samples first. */
  finish(): readonly RecordedEvent[];
}

interface Sample {
  readonly event: string;
  readonly command: string;
  /** Innermost first, as perf writes them. */
  readonly frames: Frame[];
}

/** Different stacks that are kept; what comes later is counted under its process alone. */
const mostStacks = 200_000;
const deepest = 1024;

/**
 * The text of `perf script` (perf-script(1)): a line with process, pid[/tid], [cpu], time and event, one line for each
 * frame, an empty line. `node 4711 [001] 11569.341538:    5025125 cpu-clock:ppp: ` and
 * `\tffffffff81b98907 xa_load+0x5f ([kernel.kallsyms])`. Other lines are ignored.
 */
export function scriptParser(): ScriptParser {
  const events = new Map<string, Map<string, { frames: readonly Frame[]; weight: number }>>();
  let rest = '';
  let sample: Sample | undefined;

  const close = (): void => {
    if (sample === undefined) return;
    const stacks = events.get(sample.event) ?? new Map();
    events.set(sample.event, stacks);
    const whole: readonly Frame[] = [{ name: sample.command, kind: 'mark' }, ...sample.frames.reverse()];
    const frames = stacks.size < mostStacks ? whole : whole.slice(0, 1);
    const key = frames.map(({ name, kind }) => `${kind} ${name}`).join('\n');
    const known = stacks.get(key);
    if (known === undefined) stacks.set(key, { frames, weight: 1 });
    else known.weight += 1;
    sample = undefined;
  };
  const line = (text: string): void => {
    const frame = parseFrame(text);
    if (frame !== undefined) {
      if (sample !== undefined && sample.frames.length < deepest) sample.frames.push(frame);
      return;
    }
    close();
    sample = parseHeading(text);
  };

  return {
    write: text => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      lines.forEach(line);
    },
    finish: () => {
      line(rest);
      rest = '';
      close();
      return [...events]
        .map(([event, stacks]) => ({
          event,
          samples: [...stacks.values()].reduce((sum, { weight }) => sum + weight, 0),
          stacks: [...stacks.values()],
        }))
        .sort((a, b) => b.samples - a.samples);
    },
  };
}

/** The name of a process may have blanks, colons and numbers in it: what follows the last thing like a pid counts. */
function parseHeading(text: string): Sample | undefined {
  const match =
    /^\s*(\S.*?)\s+(?:-?\d+\/)?-?\d+\s+(?:\[\d+\]\s+)?\d+\.\d+:\s+(?:\d+\s+)?(\S+?):(?:\s.*)?$/.exec(text);
  const [, command, event] = match ?? [];
  return command === undefined || event === undefined ? undefined : { event, command, frames: [] };
}

function parseFrame(text: string): Frame | undefined {
  const match = /^\s+[0-9a-f]{1,16} (.*) \((.*)\)\s*$/.exec(text);
  const [, symbol = '', file = ''] = match ?? [];
  if (match === null) return undefined;
  const name = symbol.replace(/\+0x[0-9a-f]+$/, '');
  const module = file.slice(file.lastIndexOf('/') + 1);
  if (
    file.startsWith('[kernel') ||
    file.startsWith('[guest.kernel') ||
    (/^\[[\w-]+\]$/.test(file) && file !== '[vdso]' && file !== '[unknown]')
  )
    return { name: name === '[unknown]' ? file : name, kind: 'kernel' };
  const isCompiled = /^perf-\d+\.map$|^jitted-/.test(module);
  if (name === '[unknown]' && isCompiled) return { name: '[compiled at run time]', kind: 'jit' };
  if (name === '[unknown]')
    return module === '' || module === '[unknown]'
      ? { name: '[unknown]', kind: 'unknown' }
      : { name: `[${module}]`, kind: 'native', module };
  if (isCompiled) return { name, kind: 'jit' };
  return { name, kind: 'native', module };
}
