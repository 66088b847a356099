import * as v from 'valibot';
import { type Observation, observationVersion } from './observation.ts';
import { tables } from './schema/cgroups.ts';
import { container, notice } from './schema/container.ts';
import { host } from './schema/host.ts';
import {
  copiedUp,
  diskUse,
  fileSystem,
  isolation,
  network,
  openDevice,
  sharedMemory,
  unlinkedFile,
} from './schema/inside.ts';
import { hugeMemory, ipcTwin } from './schema/memory.ts';
import { outsideUse } from './schema/outside-use.ts';
import { byName, list, reading, type Schema, text, time, whole } from './schema/parts.ts';
import { process, signalFetching } from './schema/processes.ts';
import { reach } from './schema/reach.ts';
import { seccompLog } from './schema/seccomp-log.ts';
import { traced } from './schema/traced.ts';
import { uidUsage } from './schema/uid-usage.ts';

const observation: Schema<Observation> = v.object({
  kind: v.literal('glassbox-observation'),
  version: v.literal(observationVersion),
  observedAt: time,
  windowMs: whole<number>(),
  host,
  cgroups: tables,
  containers: list(
    v.object({
      container,
      processes: list(process),
      initSignals: reading(signalFetching),
      memoryFiles: reading(sharedMemory),
      ipcTwins: v.exactOptional(reading(list(ipcTwin))),
      hugeMemory: v.exactOptional(reading(list(hugeMemory))),
      unlinkedFiles: reading(list(unlinkedFile)),
      fileSystems: v.exactOptional(list(fileSystem)),
      diskUse: v.exactOptional(list(diskUse)),
      copiedUp: v.exactOptional(list(copiedUp)),
      network,
      reach: v.exactOptional(reading(reach)),
      isolation: reading(isolation),
      namespacePeers: v.exactOptional(byName(list(text))),
      uidUsage: v.exactOptional(reading(list(uidUsage))),
      seccompLog: v.exactOptional(reading(seccompLog)),
      outsideUse: v.exactOptional(reading(outsideUse)),
      openDevices: v.exactOptional(reading(list(openDevice))),
      traced: v.exactOptional(traced),
    }),
  ),
  notices: list(notice),
});

export type Loaded =
  | { readonly kind: 'loaded'; readonly observation: Observation }
  | { readonly kind: 'refused'; readonly problem: string; readonly remedy: string };

const writeOne = 'Write one with "glassbox observe -o FILE".';

/** An observation from its JSON text, checked field by field: rules may trust what comes out. */
export function loadObservation(text: string): Loaded {
  const refused = (problem: string, remedy = writeOne): Loaded => ({ kind: 'refused', problem, remedy });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return refused(text.trim() === '' ? 'it is empty' : `it is not JSON (${(error as Error).message})`);
  }
  const identity = v.safeParse(
    v.object({ kind: v.literal('glassbox-observation'), version: v.number() }),
    value,
  );
  if (!identity.success) return refused('it is JSON of something else');
  if (identity.output.version !== observationVersion)
    return refused(
      `it has version ${identity.output.version}, this Glassbox reads version ${observationVersion}`,
      'Use the Glassbox that wrote it, or take the observation again.',
    );
  const result = v.safeParse(observation, value);
  if (result.success) return { kind: 'loaded', observation: result.output };
  const [issue] = result.issues;
  const where = v.getDotPath(issue) ?? 'the whole';
  return refused(`${where} is wrong: ${issue.message}`);
}
