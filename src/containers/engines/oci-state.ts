import { type ClockTicks, clockTicks, type HostPid, hostPid } from '../../linux/units.ts';

/** What an OCI runtime wrote down of a container when it created it. */
export interface OciState {
  readonly id: string;
  readonly init: HostPid;
  /** With the pid it identifies the process: the file outlives the container when the host crashes. */
  readonly startTime: ClockTicks | null;
  readonly created: string | null;
  readonly bundle: string | null;
}

/** state.json of runc: `{"id":"web","init_process_pid":4711,"init_process_start":254152,"created":"2026-…Z","config":{…}}`. */
export function parseRuncState(text: string): OciState | undefined {
  const state = parseObject(text);
  const id = state?.id;
  if (state === undefined || typeof id !== 'string' || id === '') return undefined;
  const config = asObject(state.config);
  const labels = Array.isArray(config?.labels) ? config.labels : [];
  const bundle = labels.find(label => typeof label === 'string' && label.startsWith('bundle='));
  return complete(id, state.init_process_pid, state.init_process_start, state.created, bundle?.slice(7));
}

/** `status` of crun: `{"pid":4711,"process-start-time":263609,"bundle":"/run/b","created":"2026-…Z",…}`; the directory is the id. */
export function parseCrunStatus(text: string, id: string): OciState | undefined {
  const status = parseObject(text);
  if (status === undefined) return undefined;
  return complete(id, status.pid, status['process-start-time'], status.created, status.bundle);
}

/** The annotations of a bundle's config.json: what the caller of the runtime (CRI-O, containerd) calls the container. */
export function parseBundleAnnotations(text: string): Readonly<Record<string, string>> {
  const annotations = Object.entries(asObject(parseObject(text)?.annotations) ?? {});
  return Object.fromEntries(
    annotations.filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

function complete(
  id: string,
  pid: unknown,
  startTime: unknown,
  created: unknown,
  bundle: unknown,
): OciState | undefined {
  if (!isCount(pid) || pid === 0) return undefined;
  const createdAt = typeof created === 'string' ? Date.parse(created) : Number.NaN;
  return {
    id,
    init: hostPid(pid),
    startTime: isCount(startTime) ? clockTicks(startTime) : null,
    created: Number.isNaN(createdAt) ? null : new Date(createdAt).toISOString(),
    bundle: typeof bundle === 'string' && bundle.startsWith('/') ? bundle : null,
  };
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;

const asObject = (value: unknown): Readonly<Record<string, unknown>> | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : undefined;

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return asObject(JSON.parse(text));
  } catch {
    return undefined;
  }
}
