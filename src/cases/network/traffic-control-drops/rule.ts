import type { RuleOf } from '../../../diagnose/case.ts';
import type { Broken } from '../../../diagnose/path/broken.ts';
import type { DroppingQueue } from '../../../diagnose/path/queues.ts';
import { judgeReach } from '../../../diagnose/path/verdict.ts';
import { sayDestination } from '../../../diagnose/path/words.ts';
import type { Evidence, Fix } from '../../../diagnose/verdict.ts';
import { sayShare } from '../../../diagnose/wording.ts';
import type { definition } from './case.ts';

export const rule: RuleOf<typeof definition> = facts =>
  judgeReach(facts, 'traffic-control-drops', {
    summary: ({ walk, direction, queue }) =>
      queue === null
        ? ''
        : `${direction === 'out' ? 'Packets to' : 'Answers from'} ${sayDestination(walk.destination)} pass ${queue.state.device} in ${queue.state.place}, where ${sayWho(queue)} dropped ${sayShare(queue.share)} of ${queue.filter === null ? 'what came' : 'what it matched'} in the window. No firewall rule shows it.${queue.ofAll < 0.9 ? ' Whether the packets of these connections were among them, only a trace tells.' : ''}`,
    evidence: queueEvidence,
    fixes: fixesFor,
  });

const isHook = ({ state: { kind } }: DroppingQueue): boolean => /^(?:clsact|ingress)$/.test(kind);

function sayWho(queue: DroppingQueue): string {
  const { state, filter } = queue;
  const side = state.way === 'in' ? 'what comes in' : 'what goes out';
  if (filter !== null) return `a filter of traffic control for ${side} (${filter})`;
  return isHook(queue) ? `a program that is a filter for ${side}` : `the queue for ${side} (${state.kind})`;
}

function queueEvidence({ queue }: Broken): readonly Evidence[] {
  if (queue === null) return [];
  const { state, filter, drops } = queue;
  const where = `in ${state.place}`;
  const direction = state.way === 'in' ? 'ingress' : 'egress';
  return [
    {
      claim: `Drops of ${state.kind} at ${state.device}`,
      source: `tc -s qdisc show dev ${state.device}, ${where}`,
      observed: sayChange(filter === null ? drops : state.drops),
    },
    {
      claim: isHook(queue) ? 'Packets that came to it' : 'Packets that it let pass',
      source: 'the same',
      observed: sayChange(state.packets),
    },
    ...(filter === null
      ? state.filters.slice(0, 2).map(({ text }) => ({
          claim: 'A filter there, which does not count',
          source: `tc filter show dev ${state.device} ${direction}, ${where}`,
          observed: text,
        }))
      : [
          {
            claim: 'Drops of the filter',
            source: `tc -s filter show dev ${state.device} ${direction}, ${where}`,
            observed: `${filter}: ${sayChange(drops)}`,
          },
        ]),
    ...(isHook(queue) || state.options === ''
      ? []
      : [{ claim: 'What the queue is set to', source: 'the same', observed: state.options }]),
  ];
}

const sayChange = ([before, after]: readonly [number | null, number]): string =>
  `${before ?? '?'} → ${after}`;

function fixesFor({ queue, stage }: Broken): readonly Fix[] {
  if (queue === null) return [];
  const { device, way, kind, place } = queue.state;
  const direction = way === 'in' ? 'ingress' : 'egress';
  const here =
    place === stage.place && stage.pid !== null && place !== 'the host' ? `nsenter -t ${stage.pid} -n ` : '';
  if (isHook(queue))
    return [
      {
        action: `Take the filter away, or let it accept these packets; in the network namespace of ${place}`,
        command: `${here}tc filter del dev ${device} ${direction} pref <pref>`,
        effect: 'What it dropped passes; other filters stay.',
        risk: 'A network plug-in (Cilium, Calico) or a bandwidth limiter may own it and put it back: ask there first.',
      },
    ];
  return [
    {
      action: `Give the queue room, or take it away; in the network namespace of ${place}`,
      command: `${here}tc qdisc del dev ${device} root`,
      effect: `${device} has the kernel's usual queue again, without ${kind}.`,
      risk: 'A limit that somebody set is gone: a tbf whose burst is smaller than a packet should be changed instead.',
    },
  ];
}
