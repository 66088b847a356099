import * as v from 'valibot';
import { type Container, type EngineNotice, engineNames } from '../../containers/container.ts';
import { controllers } from '../../linux/cgroup/model.ts';
import type { HostPid } from '../../linux/units.ts';
import { byName, flag, namespaces, nullable, path, type Schema, text, time, whole } from './parts.ts';

const engine = v.picklist(engineNames);

export const container: Schema<Container> = v.object({
  id: text,
  name: text,
  engine,
  state: v.picklist(['running', 'exited']),
  init: nullable(whole<HostPid>()),
  startedAt: nullable(time),
  image: nullable(text),
  cgroups: v.object({
    cpu: v.exactOptional(path),
    cpuset: v.exactOptional(path),
    memory: v.exactOptional(path),
    pids: v.exactOptional(path),
    io: v.exactOptional(path),
    hugetlb: v.exactOptional(path),
    freezer: v.exactOptional(path),
    pressure: v.exactOptional(path),
  }),
  sharedCgroups: v.array(v.picklist(controllers)),
  namespaces,
  labels: byName(text),
  pod: nullable(v.object({ namespace: text, name: text, container: text })),
  stopSignal: v.exactOptional(whole<number>()),
  exit: nullable(v.object({ code: whole<number>(), outOfMemory: flag, finishedAt: nullable(time) })),
});

export const notice: Schema<EngineNotice> = v.object({
  engine,
  what: text,
  because: v.picklist(['not-permitted', 'down', 'failed']),
  remedy: text,
});
