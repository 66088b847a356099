import { Agent, get, type IncomingMessage } from 'node:http';
import * as v from 'valibot';
import { parseSignal } from '../../linux/signals.ts';
import type { EngineName } from '../container.ts';
import { podFromLabels } from '../pod.ts';
import type { Sighting } from '../sighting.ts';

/**
 * The part of the Docker Engine API (1.24 and later; Podman's service speaks it too) that is read. Fields that are
 * missing or new do no harm; one of another type than documented makes an answer unusable.
 */
const containerList = v.array(v.object({ Id: v.pipe(v.string(), v.regex(/^[\w.-]+$/)) }));

const time = v.nullish(v.string());
const containerDetails = v.object({
  Id: v.string(),
  Name: v.string(),
  State: v.object({
    Pid: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
    ExitCode: v.number(),
    OOMKilled: v.nullish(v.boolean()),
    StartedAt: time,
    FinishedAt: time,
  }),
  Config: v.object({
    Image: v.nullish(v.string()),
    Labels: v.nullish(v.record(v.string(), v.string())),
    /** Docker leaves it out unless somebody chose one; Podman may say a number. */
    StopSignal: v.nullish(v.union([v.string(), v.number()])),
  }),
});
type ContainerDetails = v.InferOutput<typeof containerDetails>;

export interface DockerContainer extends Omit<Sighting, 'init'> {
  /** 0 when nothing runs. Of the machine that the daemon is on. */
  readonly pid: number;
}

/** Everything the daemon at a Unix socket knows, running or exited; each is handed out as soon as it is known. */
export async function* listContainers(
  socketPath: string,
  asked: EngineName,
  signal: AbortSignal,
): AsyncGenerator<DockerContainer> {
  const agent = new Agent({ keepAlive: true, maxSockets: 4 });
  try {
    const list = await ask({ socketPath, agent, signal }, '/containers/json?all=true');
    // Podman answers at what people give as Docker's socket, too.
    const engine = /^libpod/i.test(list.server) ? 'podman' : asked;
    const ids = parse(containerList, list.body, 'the list of containers').map(({ Id }) => Id);
    const details = ids.map(id => ask({ socketPath, agent, signal }, `/containers/${id}/json`));
    // The first that fails ends the loop below; those after it have failed for the same reason.
    for (const detail of details) detail.catch(() => {});
    for (const detail of details) {
      const { status, body } = await detail;
      // Removed since it was listed.
      if (status === 404) continue;
      const container = describe(engine, parse(containerDetails, body, 'a container'));
      if (container !== undefined) yield container;
    }
  } finally {
    agent.destroy();
  }
}

interface Answer {
  readonly status: number;
  readonly server: string;
  readonly body: string;
}

function ask(
  connection: { readonly socketPath: string; readonly agent: Agent; readonly signal: AbortSignal },
  path: string,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = get({ ...connection, path, headers: { host: 'localhost' } }, response => {
      readAll(response).then(body => {
        const status = response.statusCode ?? 0;
        if (status === 200 || status === 404)
          resolve({ status, body, server: `${response.headers.server ?? ''}` });
        else reject(new Error(`it answered ${status} ${body.slice(0, 200).trim()}`));
      }, reject);
    });
    // The request rejects with the abort itself; what is told is why it was aborted.
    request.on('error', error => reject(connection.signal.aborted ? connection.signal.reason : error));
  });
}

/** An engine that knows a thousand containers answers with a megabyte or two. */
const maxBody = 64 * 1024 * 1024;

async function readAll(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response) {
    length += chunk.length;
    if (length > maxBody) throw new Error('its answer has no end');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parse<S extends v.GenericSchema>(schema: S, text: string, what: string): v.InferOutput<S> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new Error(`what it says about ${what} is not JSON`);
  }
  const result = v.safeParse(schema, json);
  if (result.success) return result.output;
  const [issue] = result.issues;
  throw new Error(
    `what it says about ${what} is off at ${v.getDotPath(issue) ?? 'the top'}: ${issue.message}`,
  );
}

function describe(
  engine: EngineName,
  { Id, Name, State, Config }: ContainerDetails,
): DockerContainer | undefined {
  const startedAt = isoTime(State.StartedAt);
  const runs = State.Pid > 0;
  // Created and never started, by wish and not because starting it failed: nothing to diagnose.
  if (!runs && startedAt === null && State.ExitCode === 0) return undefined;
  const labels = Config.Labels ?? {};
  const stopSignal = parseSignal(`${Config.StopSignal ?? ''}`);
  return {
    engine,
    id: Id,
    name: Name.replace(/^\//, ''),
    state: runs ? 'running' : 'exited',
    pid: State.Pid,
    startedAt,
    image: Config.Image ?? null,
    labels,
    pod: podFromLabels(labels),
    ...(stopSignal === undefined ? {} : { stopSignal }),
    exit: runs
      ? null
      : {
          code: State.ExitCode,
          outOfMemory: State.OOMKilled ?? false,
          finishedAt: isoTime(State.FinishedAt),
        },
  };
}

/** Go's zero time, in the year 1, says "never". */
function isoTime(text: string | null | undefined): string | null {
  const milliseconds = Date.parse(text ?? '');
  return Number.isNaN(milliseconds) || milliseconds <= 0 ? null : new Date(milliseconds).toISOString();
}
