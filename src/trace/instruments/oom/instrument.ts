import { readOomReports } from '../../../linux/kmsg/read.ts';
import { orElse } from '../../../linux/reading.ts';
import { runEbpf, textFrom } from '../../ebpf.ts';
import type { Instrument, TraceRun } from '../../instrument.ts';
import { counted, sentence, type View } from '../../view.ts';
import type { OomKill, OomParty, OomResult } from './result.ts';

export const instrument: Instrument<OomResult> = {
  name: 'oom',
  question: 'Who is killed for want of memory, who asked for it, and at which limit?',
  unit: 'kills',
  kind: 'stream',
  cost: 'nothing until the OOM killer runs',
  example: 'glassbox trace oom web-1 --for 60s',
  engines: [{ engine: 'ebpf', tracepoints: ['oom:mark_victim'] }],
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

const killsAtMost = 1000;
const victims = 1;

async function runOom(run: TraceRun<OomResult>) {
  const startedAt = process.hrtime.bigint();
  const kills: Omit<OomKill, 'report'>[] = [];
  return runEbpf(run, {
    object: new URL('./oom.bpf.o', import.meta.url),
    attach: ['on_victim'],
    gather: () => ({
      event: bytes => {
        if (kills.length < killsAtMost) kills.push(decodeKill(bytes, startedAt));
      },
      result: base => ({ ...base, kills: kills.length === 0 ? [] : withReports(run, kills) }),
    }),
  });
}

/** `struct event` of oom.bpf.c. */
export function decodeKill(bytes: Buffer, startedAt: bigint): Omit<OomKill, 'report'> {
  const party = (numbers: number, name: number): OomParty => {
    const inside = bytes.readUInt32LE(numbers + 4);
    return {
      pid: bytes.readUInt32LE(numbers),
      inside: inside === 0 ? null : inside,
      name: textFrom(bytes, name, 16),
    };
  };
  const victim = party(8, 32);
  const isTold = victim.name !== '';
  return {
    at: Number(bytes.readBigUInt64LE(0) - startedAt) / 1e6,
    victim,
    asker: party(16, 48),
    own: isTold ? (bytes.readUInt32LE(24) & victims) !== 0 : null,
  };
}

/** The newest report about each victim: pids come again. */
function withReports({ files }: TraceRun<OomResult>, kills: readonly Omit<OomKill, 'report'>[]) {
  const reports = orElse(readOomReports(files), []);
  return kills.map(kill => ({
    ...kill,
    report: reports.findLast(report => report.victims.some(({ pid }) => pid === kill.victim.pid)) ?? null,
  }));
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
