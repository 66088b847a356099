import { runEbpf } from '../../ebpf.ts';
import type { Instrument, TraceRun } from '../../instrument.ts';
import { birthEvent } from '../../members.ts';
import { counted, sentence, type View } from '../../view.ts';
import { decodeKill, killsAtMost, type SeenKill, withReports } from './decode.ts';
import { runOomByFtrace } from './ftrace.ts';
import type { OomKill, OomParty, OomResult } from './result.ts';

export const instrument: Instrument<OomResult> = {
  name: 'oom',
  question: 'Who is killed for want of memory, who asked for it, and at which limit?',
  unit: 'kills',
  kind: 'stream',
  cost: 'nothing until the OOM killer runs',
  example: 'glassbox trace oom web-1 --for 60s',
  engines: [
    { engine: 'ebpf', tracepoints: ['oom:mark_victim'] },
    { engine: 'ftrace', tracepoints: ['oom:mark_victim', birthEvent] },
  ],
  run: runOom,
  view,
  events: {
    columns: [
      { title: 'SECONDS', cells: 8, align: 'right' },
      { title: 'KILLED', cells: 24 },
      { title: 'ASKED FOR A PAGE', cells: 24 },
      { title: 'LIMIT', cells: 18 },
    ],
    rows: ({ kills }, from) =>
      kills
        .slice(from)
        .map(kill => [
          (kill.at / 1000).toFixed(3),
          sayParty(kill.victim),
          sayParty(kill.asker),
          sayLimit(kill),
        ]),
  },
};

async function runOom(run: TraceRun<OomResult>) {
  if (run.engine === 'ftrace') return runOomByFtrace(run);
  const startedAt = process.hrtime.bigint();
  const kills: SeenKill[] = [];
  return runEbpf(run, {
    object: new URL('./oom.bpf.o', import.meta.url),
    attach: ['on_victim'],
    gather: () => ({
      event: bytes => {
        if (kills.length < killsAtMost) kills.push(decodeKill(bytes, startedAt));
      },
      result: base => ({ ...base, kills: withReports(run.files, kills) }),
    }),
  });
}

const sayParty = ({ name, inside, pid }: OomParty): string =>
  `${name === '' ? 'process' : name} (${inside ?? `host ${pid}`})`;

function sayLimit({ report }: OomKill): string {
  if (report === null) return '?';
  if (report.constraint !== 'memcg' || report.memory === null) return `the host's (${report.constraint})`;
  const { limit } = report.memory;
  if (limit.kind === 'max') return 'none';
  return `${Math.round(limit.value / 2 ** 20)} MiB`;
}

function view({ kills }: OomResult): View {
  if (kills.length === 0) return [sentence('The OOM killer did not run for it.')];
  const strangers = kills.filter(({ own }) => own === false).length;
  return [
    sentence(`${counted(kills.length, 'process', 'processes')} killed for want of memory.`),
    ...(strangers > 0
      ? [sentence(`${strangers} of them are not the container's: it asked, and others died for it.`)]
      : []),
  ];
}
