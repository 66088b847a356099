import { catalogue } from '../../src/cases/index.ts';
import { findDestination } from '../../src/cli/destination.ts';
import { discoverContainers } from '../../src/containers/discover.ts';
import { selectContainers } from '../../src/containers/select.ts';
import { diagnose } from '../../src/diagnose/diagnosis.ts';
import type { WalkReport } from '../../src/diagnose/path/hops.ts';
import { openKernelFiles } from '../../src/linux/files.ts';
import { observe } from '../../src/observe/observe.ts';
import type { ReachRequest } from '../../src/observe/reach/observe.ts';

const files = openKernelFiles();

/** The way from a container to where `to` says, as `glassbox diagnose SELECTOR --to TO --probe` has it. */
export async function walkFrom(
  selector: string,
  to: string,
  environment: Readonly<Record<string, string>> = {},
  { probe = true, announce }: Partial<Pick<ReachRequest, 'probe' | 'announce'>> = {},
): Promise<WalkReport> {
  const { containers, notices } = await discoverContainers(files, { environment });
  const selection = selectContainers(files, containers, selector);
  if (selection.kind !== 'one') throw new Error(`${selector}: ${selection.kind} of ${containers.length}`);
  const chosen = [selection.container];
  const destination = await findDestination(files, containers, chosen, to);
  const observation = await observe(files, {
    ...{ containers: chosen, known: containers, notices, windowMs: 1000 },
    reach: { destination, probe, ...(announce === undefined ? {} : { announce }) },
  });
  const walk = diagnose(observation, catalogue).containers[0]?.walks?.find(
    ({ reason }) => reason === 'asked',
  );
  if (walk === undefined) throw new Error(`no walk from ${selector} to ${to}`);
  return walk;
}

/** `place what`, of the hops that stop it, or that are as `state` says. */
export const hopsThat = (
  { hops }: WalkReport,
  state: WalkReport['hops'][number]['state'],
): readonly string[] => hops.filter(hop => hop.state === state).map(({ place, what }) => `${place} ${what}`);
