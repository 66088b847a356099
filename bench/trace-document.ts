import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, release } from 'node:os';
import { join } from 'node:path';
import type { Measured, Price } from './trace-measure.ts';

const file = join(import.meta.dirname, '../docs/overhead.md');
const marks = [
  '<!-- measured by npm run bench -- trace --write -->',
  '<!-- end of what was measured -->',
] as const;

/** Puts the tables between the marks of docs/overhead.md; what is said about them stays. */
export function writeTables(measured: readonly Measured[], machine: string): void {
  const text = readFileSync(file, 'utf8');
  const [begin, end] = marks.map(mark => text.indexOf(mark));
  if (begin === undefined || end === undefined || begin < 0 || end < begin)
    throw new Error(`${file} lacks the line "${marks[0]}" or "${marks[1]}"`);
  const parts = [marks[0], machine, ...measured.map(tableOf)];
  writeFileSync(file, `${text.slice(0, begin)}${parts.join('\n\n')}\n\n${text.slice(end)}`);
  console.error(`bench: wrote ${file}`);
}

export function tableOf({ workload, untracedMs, questions }: Measured): string {
  const rows = questions.flatMap(({ own, others }) => [
    row(own, name => `**${name.replace('glassbox trace ', '')}**`),
    ...others.map(other => row(other, name => name)),
  ]);
  return [
    `### ${workload[0]?.toUpperCase()}${workload.slice(1)} (${untracedMs.toFixed(0)} ms of CPU)`,
    '',
    '| looking | × untraced | middle half |',
    '|---|---|---|',
    ...rows,
  ].join('\n');
}

const row = ({ name, ratio, from, to }: Price, say: (name: string) => string): string =>
  `| ${say(name)} | ${digits(ratio)} | ${digits(from)} – ${digits(to)} |`;

const digits = (ratio: number): string => (ratio < 10 ? ratio.toFixed(2) : ratio.toFixed(1));

export function describeMachine(): string {
  const programs = [
    ['bpftrace', '--version'],
    ['perf', '--version'],
    ['strace', '--version'],
  ] as const;
  const versions = programs.map(([program, flag]) => {
    try {
      const [line = ''] = execFileSync(program, [flag], { encoding: 'utf8' }).split('\n');
      return `${program} ${/\d+\.\d+(?:\.\d+)?/.exec(line)?.[0] ?? '?'}`;
    } catch {
      return `no ${program}`;
    }
  });
  return `Linux ${release().split('-')[0]}, ${availableParallelism()} CPUs, ${versions.join(', ')}.`;
}
