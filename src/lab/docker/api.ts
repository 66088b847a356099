import { type IncomingMessage, request } from 'node:http';
import type { Duplex } from 'node:stream';
import { socketOf } from '../../containers/engines/docker.ts';
import type { DockerDaemon } from '../journal.ts';

/** The daemon that `docker` would talk to, when that is one of this machine. */
export const dockerSocket = (): string => socketOf(process.env.DOCKER_HOST)[0] ?? '/var/run/docker.sock';

/** The same with what the journal of a run has to know of it. */
export async function dockerDaemon(): Promise<DockerDaemon> {
  const socket = dockerSocket();
  const { DockerRootDir: data } = (await demandDocker(socket, 'GET', '/info')) as { DockerRootDir?: string };
  return data === undefined ? { socket } : { socket, data };
}

/** 1.40 is Docker 19.03, the first whose containers can have a cgroup namespace. */
const version = 'v1.40';

export interface DockerAnswer {
  readonly status: number;
  readonly body: string;
}

/** One call of the Engine API. JSON for an object, a tar archive for bytes. */
export function callDocker(
  socketPath: string,
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  body?: object | Buffer,
): Promise<DockerAnswer> {
  const isArchive = Buffer.isBuffer(body);
  const bytes = body === undefined || isArchive ? body : Buffer.from(JSON.stringify(body));
  const headers = {
    host: 'localhost',
    'content-type': isArchive ? 'application/x-tar' : 'application/json',
    'content-length': bytes?.length ?? 0,
  };
  return new Promise((resolve, reject) => {
    const call = request({ socketPath, method, path: `/${version}${path}`, headers }, response => {
      readText(response).then(text => resolve({ status: response.statusCode ?? 0, body: text }), reject);
    });
    call.on('error', reject);
    call.end(bytes);
  });
}

/** As `callDocker`, for calls that must succeed; what the daemon says against it becomes the error. */
export async function demandDocker(
  ...[socket, method, path, body]: Parameters<typeof callDocker>
): Promise<unknown> {
  const answer = await callDocker(socket, method, path, body);
  if (answer.status >= 400) throw new Error(`docker: ${messageOf(answer.body)}`);
  return answer.body === '' ? undefined : JSON.parse(lastLine(answer.body));
}

/** Calls that stream their progress answer with one JSON object a line; the last one has the result. */
const lastLine = (text: string): string => text.trim().split('\n').at(-1) ?? '';

function messageOf(text: string): string {
  try {
    const { message } = JSON.parse(text);
    return String(message);
  } catch {
    return text.trim();
  }
}

/** Standard input and output of a container: the connection changes from HTTP to a plain stream in both directions. */
export function attachDocker(socketPath: string, id: string): Promise<Duplex> {
  const path = `/${version}/containers/${id}/attach?stream=1&stdin=1&stdout=1&stderr=1`;
  const headers = { host: 'localhost', connection: 'Upgrade', upgrade: 'tcp' };
  return new Promise((resolve, reject) => {
    const call = request({ socketPath, method: 'POST', path, headers });
    call.on('upgrade', (_, stream, head) => {
      if (head.length > 0) stream.unshift(head);
      resolve(stream);
    });
    call.on('response', response => {
      readText(response).then(text => reject(new Error(`docker: ${messageOf(text)}`)), reject);
    });
    call.on('error', reject);
    call.end();
  });
}

async function readText(response: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += chunk;
  return text;
}

/**
 * Without a terminal, output comes in frames: one byte for the stream, three of zero, four for the length (big
 * endian), then as many bytes of output. Returns a function that takes chunks as they come.
 */
export function frameReader(onText: (text: string) => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  const decoder = new TextDecoder();
  return chunk => {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= 8 && rest.length >= 8 + rest.readUInt32BE(4)) {
      const end = 8 + rest.readUInt32BE(4);
      onText(decoder.decode(rest.subarray(8, end), { stream: true }));
      rest = rest.subarray(end);
    }
  };
}
