import type { SymbolEntry } from './table.ts';

/**
 * /tmp/perf-<pid>.map, by which compilers at run time name their code (tools/perf/Documentation/jit-interface.txt), one
 * line: `7f2e5c0a1000 1c4 LazyCompile:*handle /app/server.js:12`, start and size in hex. Node writes it with
 * --perf-basic-prof, Java with -XX:+DumpPerfMapAtExit or `jcmd <pid> Compiler.perfmap`, Python 3.12 with -X perf.
 */
export function parsePerfMap(text: string): readonly SymbolEntry[] {
  const entries: SymbolEntry[] = [];
  for (let at = 0; at < text.length; ) {
    const newline = text.indexOf('\n', at);
    const end = newline < 0 ? text.length : newline;
    const entry = parseLine(text.slice(at, end));
    if (entry !== undefined) entries.push(entry);
    at = end + 1;
  }
  return entries;
}

const longestName = 1024;

function parseLine(line: string): SymbolEntry | undefined {
  const first = line.indexOf(' ');
  const second = line.indexOf(' ', first + 1);
  if (first < 1 || second < 0) return undefined;
  // Some writers put 0x before the numbers.
  const start = Number.parseInt(line.slice(0, first), 16);
  const size = Number.parseInt(line.slice(first + 1, second), 16);
  const name = line.slice(second + 1, second + 1 + longestName);
  if (!Number.isSafeInteger(start) || !(size > 0) || name === '') return undefined;
  return { start, size, name: () => name };
}
