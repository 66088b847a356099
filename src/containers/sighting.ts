import type { Container } from './container.ts';

/** What one engine, or the namespaces alone, say about a container; several may speak of the same one. */
export type Sighting = Omit<Container, 'cgroups' | 'sharedCgroups' | 'namespaces'>;

/** A sighting of which little more is known than that it runs. */
export const runningSighting = (
  known: Pick<Sighting, 'engine' | 'id' | 'name' | 'init'> & Partial<Sighting>,
): Sighting => ({
  state: 'running',
  startedAt: null,
  image: null,
  labels: {},
  pod: null,
  exit: null,
  ...known,
});
