import { type Controller, controllers } from '../linux/cgroup/model.ts';
import type { Case } from './case.ts';

/** `usageOf` tells these whatever the rules ask for. */
const ofUsage: readonly Controller[] = ['cpu', 'memory'];

/** The controllers whose cgroups somebody will look at: those that cases name among their facts, and usage's. */
export function controllersFor(cases: readonly Case[]): readonly Controller[] {
  const named = new Set<string>(cases.flatMap(({ needs, mayUse }) => [...needs, ...mayUse]));
  return controllers.filter(controller => named.has(controller) || ofUsage.includes(controller));
}
