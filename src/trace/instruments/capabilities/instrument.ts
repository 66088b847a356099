import { hasFunction, hasTracepoints } from '../../../linux/bpf/requirements.ts';
import { capabilityName } from '../../../linux/capabilities.ts';
import { absent, flatMapReading, present } from '../../../linux/reading.ts';
import { kernelFunctions } from '../../../linux/symbols/kallsyms.ts';
import { readLost, runEbpf } from '../../ebpf.ts';
import type { Instrument, TraceRun } from '../../instrument.ts';
import { counted, sentence, type View } from '../../view.ts';
import { capabilitiesResult } from './decode.ts';
import type { CapabilitiesResult } from './result.ts';

export const instrument: Instrument<CapabilitiesResult> = {
  name: 'capabilities',
  question: 'Which capabilities does it use, and which are denied when it needs them?',
  unit: 'questions',
  kind: 'table',
  cost: 'the end of every system call of the machine passes a tracepoint: 11 % where programs are started all the time, half as long again for empty calls, two and a half times as long for writes to a tmpfs that do nothing else',
  dear: true,
  example: 'glassbox trace capabilities web-1 --for 30s',
  engines: [
    { engine: 'ebpf', tracepoints: ['capability:cap_capable', 'raw_syscalls:sys_exit'] },
    {
      engine: 'ebpf',
      tracepoints: ['raw_syscalls:sys_exit'],
      also: () =>
        flatMapReading(hasFunction('cap_capable'), has =>
          has
            ? present(true)
            : absent(
                'the kernel function cap_capable',
                'kernel-too-old',
                'Linux 6.14 has a tracepoint for it',
              ),
        ),
    },
  ],
  oneEngine:
    'what was asked for is a tracepoint since Linux 6.14 alone, and whether the call failed for it takes a look at every system call besides',
  run: runCapabilities,
  view,
};

async function runCapabilities(run: TraceRun<CapabilitiesResult>) {
  const question = hasTracepoints(['cap_capable']).present ? 'on_capable' : 'on_capable_function';
  return runEbpf(run, {
    object: new URL('./capabilities.bpf.o', import.meta.url),
    programs: [question, 'on_call_end'],
    attach: ['on_call_end', question],
    gather: object => {
      const table = object.map('table');
      const functionAt = kernelFunctions(run.files);
      return {
        result: base => capabilitiesResult({ ...base, lost: readLost(object) }, table.all(), functionAt),
      };
    },
  });
}

const list = (capabilities: readonly number[]): string =>
  capabilities.length === 0 ? 'none' : capabilities.map(capabilityName).join(' ');

function view({ asked, used, missing }: CapabilitiesResult): View {
  const shown = asked.filter(({ memoryAccounting }) => !memoryAccounting);
  const accounted = asked.length - shown.length;
  const rows = shown
    .slice(0, 20)
    .map(({ capability, call, program, granted, denied, refused }) => [
      capabilityName(capability),
      call,
      program,
      String(granted),
      String(denied),
      String(refused),
    ]);
  return [
    ...(rows.length === 0
      ? []
      : ([
          {
            kind: 'table',
            columns: [
              { title: 'CAPABILITY' },
              { title: 'IN' },
              { title: 'PROGRAM' },
              { title: 'GRANTED', align: 'right' },
              { title: 'DENIED', align: 'right' },
              { title: 'CALL FAILED', align: 'right' },
            ],
            rows,
          },
        ] as const)),
    ...(shown.length > 20 ? [sentence(`… ${counted(shown.length - 20, 'more row')}.`)] : []),
    sentence(`Used: ${list(used)}. Denied in a call that then failed: ${list(missing)}.`),
    ...(accounted > 0
      ? [
          sentence(
            'The kernel also asked for SYS_ADMIN where memory is accounted (fork, mmap, a write to a tmpfs), which no program needs.',
          ),
        ]
      : []),
  ];
}
