import type { Reading } from '../../../linux/reading.ts';
import { findTracefs } from '../../../linux/tracefs.ts';
import { runEvents } from '../../ftrace.ts';
import { countByPower } from '../../histogram.ts';
import type { TraceRun } from '../../instrument.ts';
import type { Members } from '../../members.ts';
import type { Whose } from '../softirq/result.ts';
import { createTimerTally } from './decode.ts';
import type { TimerKind, TimerlatResult } from './result.ts';

const kindOf: Readonly<Record<string, TimerKind>> = {
  softirq: 'softirq',
  timer_expire: 'timer',
  hrtimer_expire: 'hrtimer',
  tasklet: 'tasklet',
};
/** Since Linux 6.4. */
const taskletEvents = ['irq:tasklet_entry', 'irq:tasklet_exit'];

/** `vec=1 [action=TIMER]`, `timer=0000 function=tcp_write_timer now=…`: what begins on a CPU ends there. */
export function runTimerlatByFtrace(
  run: TraceRun<TimerlatResult>,
  events: readonly string[],
  limitUs: number,
): Promise<Reading<TimerlatResult>> {
  const begun = new Map<string, { readonly time: number; readonly name: string }>();
  const tally = createTimerTally(limitUs);
  const times = {
    softirq: countByPower('us'),
    timer: countByPower('us'),
    hrtimer: countByPower('us'),
    tasklet: countByPower('us'),
  } satisfies Record<TimerKind, unknown>;
  const tracefs = findTracefs(run.files);
  const hasTasklets =
    tracefs.present && run.files.status(`${tracefs.value}/events/irq/tasklet_entry`).present;
  return runEvents(run, {
    events: hasTasklets ? [...events, ...taskletEvents] : events,
    line: ({ event, cpu, task, text, time }, at, members) => {
      const [, what = '', side] = /^(\w+)_(entry|exit)$/.exec(event) ?? [];
      const kind = kindOf[what];
      if (kind === undefined) return;
      const key = `${cpu} ${kind}`;
      const begin = begun.get(key);
      begun.delete(key);
      if (side === 'entry') {
        const [, name = '?'] = /(?:action|function)=([^\s\]]+)/.exec(text) ?? [];
        begun.set(key, { time, name });
      } else if (begin !== undefined) {
        const us = time - begin.time;
        times[kind].add(us);
        if (us < limitUs) return;
        const whose = whoseIs(task, members);
        const pid = members.processOf(task.thread);
        tally.add({ at, us, kind, name: begin.name, cpu, whose, pid, thread: task.name });
      }
    },
    result: base =>
      tally.result(base, {
        softirq: times.softirq.histogram(),
        timer: times.timer.histogram(),
        hrtimer: times.hrtimer.histogram(),
        tasklet: times.tasklet.histogram(),
      }),
  });
}

/** Of bpf/interrupted.h; a program may call itself ksoftirqd here, for the text does not tell threads of the kernel. */
function whoseIs(
  { name, thread }: { readonly name: string; readonly thread: number },
  members: Members,
): Whose {
  if (thread === 0) return 'idle';
  if (members.has(thread)) return 'container';
  return name.startsWith('ksoftirqd/') ? 'ksoftirqd' : 'others';
}
