import type { Container } from '../containers/container.ts';
import { type Namespaces, namespaceKinds } from '../linux/namespaces.ts';
import type { ContainerFacts } from './observation.ts';

/** A pod's containers share net, ipc and uts; `--network container:web` one of them. Left out when it is alone. */
export function peersOf(
  container: Container,
  known: readonly Container[],
  host: Namespaces,
): Pick<ContainerFacts, 'namespacePeers'> {
  const shared = namespaceKinds.flatMap(kind => {
    const own = container.namespaces[kind];
    if (own === undefined || own === host[kind]) return [];
    const names = known
      .filter(({ id, namespaces }) => id !== container.id && namespaces[kind] === own)
      .map(({ name }) => name);
    return names.length === 0 ? [] : [[kind, names] as const];
  });
  return shared.length === 0 ? {} : { namespacePeers: Object.fromEntries(shared) };
}
