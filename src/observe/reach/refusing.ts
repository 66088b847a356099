import { passHook } from '../../linux/netfilter/evaluate.ts';
import type { Hook } from '../../linux/netfilter/model.ts';
import { orElse } from '../../linux/reading.ts';
import type { NamespaceId } from '../../linux/units.ts';
import type { RefusingPlace, SampledEffect } from './path.ts';
import { countersOf } from './rules.ts';
import type { WalkContext } from './stage.ts';
import { walkLeg } from './walk.ts';

/** Addresses of documentation (RFC 5737, RFC 3849): nobody's, so that the default route leads to them. */
const anywhere = ['192.0.2.1', '2001:db8::1'] as const;
/** Text that is no address: conditions about it are neither met nor not. With a colon rules of IPv6 are asked. */
const unknownOf = (address: string): string => (address.includes(':') ? '?:' : '?');

/** A container has one device or a few; a router that is looked at may have thousands. */
const mostLinks = 8;

interface Visited {
  readonly namespace: NamespaceId;
  readonly source: string;
  readonly inDevice: string | null;
  readonly outDevice: string | null;
}

/**
 * Rules that may reject TCP packets of a container whose destination is not known: in its own namespace, in those that
 * its default route leads through, and in those at the other ends of its links.
 */
export function findRefusing(context: WalkContext, home: NamespaceId): readonly RefusingPlace[] {
  const devices = orElse(context.view.devices(home), []).filter(({ name }) => name !== 'lo');
  const visited: Visited[] = [];
  for (const destination of anywhere) {
    const isIpv6 = destination.includes(':');
    const has = devices.some(({ addresses }) =>
      addresses.some(({ address }) => address.includes(':') === isIpv6 && !address.startsWith('fe80:')),
    );
    if (!has) continue;
    const packet = {
      source: '',
      destination,
      sourcePort: null,
      destinationPort: null,
      state: 'new' as const,
    };
    for (const stage of walkLeg(context, { namespace: home, packet }).stages)
      visited.push({
        namespace: stage.namespace,
        source: stage.packet.source || unknownOf(destination),
        inDevice: stage.enteredBy?.name ?? null,
        outDevice: stage.leavesBy?.name ?? null,
      });
  }
  for (const device of devices.slice(0, mostLinks)) {
    const there = context.view.linked(home, device);
    const source = device.addresses.find(({ address }) => !address.startsWith('fe80:'))?.address;
    if (!there.present || source === undefined) continue;
    const { namespace, device: other } = there.value;
    if (!visited.some(each => each.namespace === namespace))
      visited.push({ namespace, source, inDevice: other.master ?? other.name, outDevice: null });
  }
  return visited.map(each => lookAt(context, home, each));
}

function lookAt({ view, before, placeOf }: WalkContext, home: NamespaceId, visited: Visited): RefusingPlace {
  const { namespace, source, inDevice, outDevice } = visited;
  const place = {
    namespace,
    place: placeOf(namespace),
    pid: view.namespaces.find(({ id }) => id === namespace)?.pid ?? null,
  };
  const inner = view.inner(namespace);
  if (!inner.present) return { ...place, rules: [], unread: [inner] };
  const earlier = before?.inner(namespace);
  const counted = earlier?.present ? countersOf(earlier.value.rules.sets) : undefined;
  const destination = unknownOf(source);
  const packet = { source, destination, sourcePort: null, destinationPort: null, state: 'new' as const };
  const hooks: readonly Hook[] = namespace === home ? ['output'] : ['forward', 'input'];
  const rules: readonly SampledEffect[] = hooks.flatMap(hook =>
    passHook(inner.value.rules.sets, hook, packet, {
      inDevice: hook === 'output' ? null : inDevice,
      outDevice: hook === 'input' ? null : outDevice,
      isLocal: () => false,
    })
      .effects.filter(({ does }) => does === 'reject')
      .map(effect => ({ ...effect, packetsBefore: counted?.get(effect.key) ?? null })),
  );
  return { ...place, rules, unread: inner.value.rules.unread };
}
