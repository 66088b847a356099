import type { KernelFiles } from '../../../linux/files.ts';
import { absent, flatMapReading, mapReading, present, type Reading } from '../../../linux/reading.ts';
import { readTraceableFunctions } from '../../../linux/traceable-functions.ts';
import type { FunctionsResult } from './result.ts';
import { usualFunctions } from './usual.ts';

/** A function that can be looked at, and the module that has it; null of the kernel itself. */
export interface ChosenFunction {
  readonly name: string;
  readonly module: string | null;
}

/** Each is attached to by itself, and the kernel takes a fifth of a second to let go of one. */
export const mostFunctions = 100;

/** Those that never return would be watched for their end for ever; those of eBPF itself are what watching takes. */
const notByPattern =
  /^(do_exit|do_group_exit|make_task_dead|kthread_exit|__x64_sys_exit.*|__arm64_sys_exit.*|_*(bpf|htab|ringbuf|stack_map|ftrace|perf)_.*|.*\.(isra|part|constprop|cold).*)$/;

const words = (text: string): readonly string[] => text.split(/[\s,]+/).filter(word => word !== '');

/** What is wrong with the words of `--function`. */
export const checkFunctions = (text: string): string | undefined =>
  words(text).length > 0 && words(text).every(word => /^[\w.*?]+$/.test(word))
    ? undefined
    : 'It is names like ext4_sync_file or vfs_*, with commas between them.';

/** What `--function` means on this machine. */
export const chooseHere = (
  files: KernelFiles,
  wanted: string | undefined,
): Reading<{
  readonly chosen: readonly ChosenFunction[];
  readonly leftOut: FunctionsResult['leftOut'];
}> =>
  mapReading(
    flatMapReading(readTraceableFunctions(files), traceable => chooseFunctions(traceable, wanted)),
    ({ chosen, unknown }) => ({
      chosen,
      leftOut: unknown.map(name => ({
        function: name,
        because: 'this kernel has no function of that name that can be traced',
      })),
    }),
  );

/** The functions that names and patterns (`*`, `?`) mean among those that this kernel can divert; without any, the usual ones. */
export function chooseFunctions(
  traceable: ReadonlyMap<string, string | null>,
  wanted: string | undefined,
): Reading<{ readonly chosen: readonly ChosenFunction[]; readonly unknown: readonly string[] }> {
  const chosen = new Map<string, ChosenFunction>();
  const unknown: string[] = [];
  const choose = (name: string, module: string | null): void => void chosen.set(name, { name, module });
  for (const word of wanted === undefined ? usualFunctions : words(wanted)) {
    const module = traceable.get(word);
    if (module !== undefined) choose(word, module);
    else if (!/[*?]/.test(word)) unknown.push(word);
    else {
      const before = chosen.size;
      const pattern = new RegExp(
        `^${word.replaceAll('.', '\\.').replaceAll('*', '.*').replaceAll('?', '.')}$`,
      );
      for (const [name, where] of traceable)
        if (pattern.test(name) && !notByPattern.test(name)) choose(name, where);
      if (chosen.size === before) unknown.push(word);
    }
  }
  const what = `the functions ${wanted ?? ''}`.trim();
  if (chosen.size === 0)
    return absent(
      what,
      'disabled',
      'this kernel has none that can be traced by such a name; inlined ones and copies of the compiler are not there. Look for it in available_filter_functions of tracefs',
    );
  if (chosen.size > mostFunctions)
    return absent(
      what,
      'disabled',
      `${chosen.size} kernel functions fit, and ${mostFunctions} can be watched: name them closer`,
    );
  return present({ chosen: [...chosen.values()], unknown: wanted === undefined ? [] : unknown });
}
