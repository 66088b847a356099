import { flatMapReading, parsed, type Reading } from '../../reading.ts';
import { askTool, isRecord, numberOf, parseJsonList, textOf } from './run.ts';

/**
 * A queueing discipline, as `tc -s -j qdisc show` has it (RTM_GETQDISC): the queue that packets leave a device
 * through, or the hooks (`clsact`, `ingress`) at which filters see them.
 */
export interface Qdisc {
  readonly device: string;
  readonly kind: string;
  readonly handle: string;
  /** Where packets meet it: the root of what leaves, or a hook. */
  readonly at: 'root' | 'class' | 'hook';
  readonly options: string;
  /** Packets that it let pass; a hook counts all that come. */
  readonly packets: number;
  readonly drops: number;
}

/** Those of the network namespace of the calling thread. */
export const readQdiscs = (): Reading<readonly Qdisc[]> =>
  flatMapReading(askTool('tc', ['-s', '-j', 'qdisc', 'show'], 'iproute2'), text =>
    parsed('tc -s -j qdisc show', parseQdiscs(text)),
  );

export const parseQdiscs = (text: string): readonly Qdisc[] | undefined =>
  parseJsonList(text)?.flatMap(entry => {
    const device = textOf(entry.dev);
    const kind = textOf(entry.kind);
    if (device === undefined || kind === undefined) return [];
    return [
      {
        device,
        kind,
        handle: textOf(entry.handle) ?? '',
        at: kind === 'clsact' || kind === 'ingress' ? 'hook' : entry.root === true ? 'root' : 'class',
        options: sayOptions(entry.options),
        packets: numberOf(entry.packets) ?? 0,
        drops: numberOf(entry.drops) ?? 0,
      },
    ];
  });

/** A filter at a hook or class, with what its actions have dropped. */
export interface TcFilter {
  readonly text: string;
  /** What its actions saw and dropped; null where it is not counted: a BPF program that decides itself. */
  readonly acted: { readonly packets: number; readonly drops: number } | null;
  /** Tells it from the others of its device and direction, also in a later reading. */
  readonly key: string;
}

/** `tc -s -j filter show dev DEVICE ingress|egress`, in the namespace of the calling thread. */
export const readTcFilters = (
  device: string,
  direction: 'ingress' | 'egress',
): Reading<readonly TcFilter[]> =>
  flatMapReading(askTool('tc', ['-s', '-j', 'filter', 'show', 'dev', device, direction], 'iproute2'), text =>
    parsed('tc -s -j filter show', parseTcFilters(text)),
  );

export const parseTcFilters = (text: string): readonly TcFilter[] | undefined =>
  parseJsonList(text)?.flatMap(({ protocol, pref, kind, options }) => {
    const data = isRecord(options) ? options : {};
    const handle = textOf(data.fh) ?? textOf(data.handle) ?? numberOf(data.handle);
    // Each priority has a line of its own, and u32 one for its hash table, which match nothing.
    if (handle === undefined || data.ht_divisor !== undefined) return [];
    const actions = (Array.isArray(data.actions) ? data.actions : []).filter(isRecord);
    const match = sayMatch(data);
    const does =
      actions.map(sayAction).join(', ') || (data['direct-action'] === true ? 'decides itself' : '');
    return [
      {
        text: [`pref ${numberOf(pref) ?? '?'}`, textOf(protocol), textOf(kind), match, does]
          .filter(Boolean)
          .join(' '),
        acted:
          actions.length === 0
            ? null
            : { packets: sumOf(actions, 'packets'), drops: sumOf(actions, 'drops') },
        key: `${numberOf(pref) ?? ''} ${textOf(kind) ?? ''} ${handle}`,
      },
    ];
  });

const sumOf = (actions: readonly Record<string, unknown>[], counter: 'packets' | 'drops'): number =>
  actions.reduce((sum, { stats }) => sum + (isRecord(stats) ? (numberOf(stats[counter]) ?? 0) : 0), 0);

function sayAction({ kind, control_action: control }: Record<string, unknown>): string {
  const does = isRecord(control) ? textOf(control.type) : undefined;
  return [textOf(kind), does].filter(Boolean).join(' ');
}

/** The keys of flower, the words of u32, the name of a program; what else there is, `tc` shows. */
function sayMatch({ keys, match, bpf_name: name, prog }: Record<string, unknown>): string {
  if (isRecord(keys)) return sayOptions(keys);
  if (isRecord(match))
    return `match ${textOf(match.value) ?? '?'}/${textOf(match.mask) ?? '?'} at ${numberOf(match.off) ?? '?'}`;
  const id = isRecord(prog) ? numberOf(prog.id) : undefined;
  return [textOf(name), id === undefined ? undefined : `program ${id}`].filter(Boolean).join(' ');
}

/** `{"rate":125000,"loss-random":{"loss":1}}` → `rate 125000 loss-random loss 1`; nested ones without their braces. */
function sayOptions(options: unknown): string {
  if (!isRecord(options)) return '';
  return Object.entries(options)
    .flatMap(([name, value]) => {
      if (isRecord(value)) return [`${name} ${sayOptions(value)}`];
      return typeof value === 'number' || typeof value === 'string' ? [`${name} ${value}`] : [];
    })
    .join(' ')
    .slice(0, 160);
}
