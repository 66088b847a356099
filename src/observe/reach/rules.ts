import { passHook, type RuleEffect } from '../../linux/netfilter/evaluate.ts';
import type { Hook, RuleSet } from '../../linux/netfilter/model.ts';
import { orElse } from '../../linux/reading.ts';
import type { NamespaceId } from '../../linux/units.ts';
import { hasAddress } from './crossing.ts';
import { addressOn } from './device-state.ts';
import type { LegEnd } from './path.ts';
import type { Pass } from './stage.ts';
import type { NetworkView } from './view.ts';

/** Lets the packet pass the rules of a hook; a certain drop ends the way. */
export function hook(pass: Pass, name: Hook): LegEnd | null {
  const { view } = pass.context;
  const { namespace, enteredBy } = pass.arrival;
  const inner = view.inner(namespace);
  if (!inner.present) return null;
  const { sets } = inner.value.rules;
  const outcome = passHook(sets, name, pass.packet, {
    inDevice: name === 'output' || name === 'postrouting' ? null : (enteredBy?.name ?? null),
    outDevice: name === 'prerouting' || name === 'input' ? null : (pass.leavesBy?.name ?? null),
    isLocal: address => isLocal(view, namespace, address),
  });
  const sampled = outcome.effects.map(effect => ({ ...effect, packetsBefore: packetsBefore(pass, effect) }));
  pass.effects.push(...sampled);
  pass.packet =
    outcome.packet.source === 'masquerade'
      ? {
          ...outcome.packet,
          source: addressOn(pass.leavesBy, outcome.packet.destination) ?? pass.packet.source,
        }
      : outcome.packet;
  const last = sampled.at(-1);
  return outcome.ended && last !== undefined ? { kind: 'dropped', effect: last } : null;
}

function packetsBefore({ context, arrival }: Pass, { key }: RuleEffect): number | null {
  const inner = context.before?.inner(arrival.namespace);
  return inner?.present ? (countersOf(inner.value.rules.sets).get(key) ?? null) : null;
}

const counterTables = new WeakMap<readonly RuleSet[], ReadonlyMap<string, number>>();

/** All packet counters of rule sets, by the key of a RuleEffect. */
export function countersOf(sets: readonly RuleSet[]): ReadonlyMap<string, number> {
  const known = counterTables.get(sets);
  if (known !== undefined) return known;
  const table = new Map<string, number>();
  for (const { source, tables } of sets)
    for (const { family, name, chains } of tables)
      for (const chain of chains.values()) {
        const prefix = `${source} ${family} ${name} ${chain.name}`;
        if (typeof chain.base?.packets === 'number') table.set(`${prefix} policy`, chain.base.packets);
        for (const { key, packets } of chain.rules)
          if (packets !== null) table.set(`${prefix} ${key}`, packets);
      }
  counterTables.set(sets, table);
  return table;
}

export const isLocal = (view: NetworkView, namespace: NamespaceId, address: string): boolean =>
  address.startsWith('127.') ||
  orElse(view.devices(namespace), []).some(device => hasAddress(device, address));
