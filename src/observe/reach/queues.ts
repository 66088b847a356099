import type { Qdisc, TcFilter } from '../../linux/net/iproute/traffic-control.ts';
import { orElse, present, type Reading } from '../../linux/reading.ts';
import type { PassedDevice } from './crossing.ts';
import type { QueueState } from './path.ts';
import type { WalkContext } from './stage.ts';
import type { NetworkView } from './view.ts';

/** Queues and hooks of traffic control on the devices that a packet goes through; those that do nothing are left out. */
export function queuesOf(
  context: WalkContext,
  passed: readonly PassedDevice[],
): Reading<readonly QueueState[]> {
  const all: QueueState[] = [];
  for (const device of passed) {
    const qdiscs = context.view.qdiscs(device.namespace);
    if (!qdiscs.present) return qdiscs;
    for (const qdisc of qdiscs.value)
      if (qdisc.device === device.device.name && meets(qdisc, device))
        all.push(stateOf(context, device, qdisc));
  }
  return present(all);
}

/** noqueue and noop hold nothing. A class's own queue is behind the root, which counts its drops too. */
const meets = ({ kind, at }: Qdisc, { way }: PassedDevice): boolean =>
  at === 'hook'
    ? way === 'in' || kind === 'clsact'
    : at === 'root' && way === 'out' && !/^no(?:queue|op)$/.test(kind);

function stateOf(
  { view, before, placeOf }: WalkContext,
  { namespace, device, way }: PassedDevice,
  { kind, handle, options, packets, drops, at }: Qdisc,
): QueueState {
  const earlier = before === null ? undefined : sameIn(before, { namespace, device, way }, kind, handle);
  const direction = way === 'in' ? 'ingress' : 'egress';
  const filtersOf = (at: NetworkView | null): readonly TcFilter[] =>
    at === null ? [] : orElse(at.filters(namespace, device.name, direction), []);
  const filtersBefore = at === 'hook' ? filtersOf(before) : [];
  return {
    place: placeOf(namespace),
    device: device.name,
    way,
    kind,
    options,
    packets: [earlier?.packets ?? null, packets],
    drops: [earlier?.drops ?? null, drops],
    filters: (at === 'hook' ? filtersOf(view) : []).map(({ text, acted, key }) => {
      const first = filtersBefore.find(each => each.key === key)?.acted;
      return {
        text,
        acted:
          acted === null
            ? null
            : {
                packets: [first?.packets ?? null, acted.packets],
                drops: [first?.drops ?? null, acted.drops],
              },
      };
    }),
  };
}

const sameIn = (
  view: NetworkView,
  { namespace, device }: PassedDevice,
  kind: string,
  handle: string,
): Qdisc | undefined =>
  orElse(view.qdiscs(namespace), []).find(
    each => each.device === device.name && each.kind === kind && each.handle === handle,
  );
