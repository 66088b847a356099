import { isoTime } from '../../../linux/units.ts';
import { textFrom } from '../../ebpf.ts';
import type { TraceResult } from '../../instrument.ts';
import type { ExecEvent, ExecResult, ExecutedFile, ExitEvent } from './result.ts';

const execKind = 1;
const textAt = 104;
const nameRoom = 256;

type Event = ExecResult['events'][number];

/** `struct exec_event` or `struct exit_event` of exec.bpf.c, told apart by their kind. */
export const decodeEvent = (bytes: Buffer, startedAt: bigint): Event =>
  bytes.readUInt32LE(8) === execKind
    ? { kind: 'exec', ...decodeExec(bytes, startedAt) }
    : { kind: 'exit', ...decodeExit(bytes, startedAt) };

const timeOf = (bytes: Buffer, startedAt: bigint): number =>
  Number(bytes.readBigUInt64LE(0) - startedAt) / 1e6;

function decodeExec(bytes: Buffer, startedAt: bigint): ExecEvent {
  const nameLength = Math.min(bytes.readUInt32LE(36), nameRoom);
  const argumentLength = bytes.readUInt32LE(40);
  const tty = textFrom(bytes, 64, 16);
  const parentInside = bytes.readUInt32LE(24);
  const text = bytes.toString('utf8', textAt + nameLength, textAt + nameLength + argumentLength);
  const words = text.split('\0');
  // The last one ends with a zero, too, unless the room ended first.
  if (words.at(-1) === '') words.pop();
  return {
    at: timeOf(bytes, startedAt),
    pid: bytes.readUInt32LE(12),
    inside: bytes.readUInt32LE(16),
    parent: {
      pid: bytes.readUInt32LE(20),
      inside: parentInside === 0 ? null : parentInside,
      name: textFrom(bytes, 48, 16),
    },
    uid: bytes.readUInt32LE(28),
    tty: tty === '' ? null : tty,
    file: bytes.toString('utf8', textAt, textAt + Math.max(0, nameLength - 1)),
    arguments: words,
    argumentsCut: bytes.readUInt32LE(44) > argumentLength,
    program: {
      changedAt: isoTime(Number(bytes.readBigInt64LE(80)) * 1000),
      fileSystem: Number(bytes.readBigUInt64LE(88)),
      links: bytes.readUInt32LE(96),
      ...placeOf(bytes.readUInt32LE(100)),
    },
  };
}

/** `enum place` of exec.bpf.c; its 0 is a kernel that does not tell. */
const places = [undefined, 'lower', 'upper', 'root', 'elsewhere'] as const;

function placeOf(number: number): Pick<ExecutedFile, 'place'> {
  const place = places[number];
  return place === undefined ? {} : { place };
}

function decodeExit(bytes: Buffer, startedAt: bigint): ExitEvent {
  const status = bytes.readUInt32LE(20);
  const signal = status & 0x7f;
  return {
    at: timeOf(bytes, startedAt),
    pid: bytes.readUInt32LE(12),
    inside: bytes.readUInt32LE(16),
    name: textFrom(bytes, 24, 16),
    ended: signal === 0 ? { kind: 'exit', code: (status >> 8) & 0xff } : { kind: 'signal', signal },
  };
}

const eventsAtMost = 2000;
const programsAtMost = 100;

export function createExecTally(): {
  readonly add: (event: Event) => void;
  readonly result: (base: TraceResult) => ExecResult;
} {
  const events: Event[] = [];
  const programs = new Map<string, number>();
  let execs = 0;
  let exits = 0;
  return {
    add: event => {
      if (event.kind === 'exit') exits += 1;
      else {
        execs += 1;
        if (programs.has(event.file) || programs.size < 20 * programsAtMost)
          programs.set(event.file, (programs.get(event.file) ?? 0) + 1);
      }
      if (events.length < eventsAtMost) events.push(event);
    },
    result: base => ({
      ...base,
      execs,
      exits,
      programs: [...programs]
        .map(([file, count]) => ({ file, count }))
        .sort((one, other) => other.count - one.count)
        .slice(0, programsAtMost),
      events: [...events],
    }),
  };
}
