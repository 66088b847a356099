import type { Reading } from '../../../linux/reading.ts';
import { runEvents } from '../../ftrace.ts';
import { countByPower } from '../../histogram.ts';
import type { TraceRun } from '../../instrument.ts';
import { birthEvent, parseBirth } from '../../members.ts';
import { forksResult, secondsAtMost } from './decode.ts';
import type { ForkMaker, ForksResult } from './result.ts';

const makersAtMost = 4096;

/** How long a process lived is known of those whose birth was seen. */
export function runForksByFtrace(run: TraceRun<ForksResult>): Promise<Reading<ForksResult>> {
  const makers = new Map<string, ForkMaker>();
  const births = new Map<number, number>();
  const ages = countByPower('us');
  const perSecond: number[] = [];
  let exits = 0;
  let lost = 0;
  return runEvents(run, {
    events: [birthEvent, 'sched:sched_process_exit'],
    ownTasksOnly: true,
    line: ({ event, task, text, time }, at, members) => {
      if (!members.has(task.thread)) return;
      if (event === 'sched_process_exit') {
        if (members.processOf(task.thread) !== task.thread) return;
        exits += 1;
        const born = births.get(task.thread);
        if (born !== undefined) ages.add(time - born);
        births.delete(task.thread);
        return;
      }
      const birth = parseBirth(text);
      if (birth === undefined) return;
      if (!birth.isThread) births.set(birth.thread, time);
      const second = Math.min(secondsAtMost, Math.max(0, Math.floor(at / 1000)));
      while (perSecond.length <= second) perSecond.push(0);
      perSecond[second] = (perSecond[second] ?? 0) + 1;
      const pid = members.processOf(task.thread);
      const key = `${pid} ${task.name}`;
      const known = makers.get(key);
      if (known === undefined && makers.size >= makersAtMost) lost += 1;
      const maker = known ?? {
        pid,
        inside: members.inside(pid) ?? 0,
        program: task.name,
        processes: 0,
        threads: 0,
      };
      const field = birth.isThread ? 'threads' : 'processes';
      if (known !== undefined || makers.size < makersAtMost)
        makers.set(key, { ...maker, [field]: maker[field] + 1 });
    },
    result: base =>
      forksResult({ ...base, lost: base.lost + lost }, [...makers.values()], {
        exits,
        ages: ages.histogram(),
        perSecond,
      }),
  });
}
