import type { HostMount, ProcessFacts } from '../observe/observation.ts';
import type { OpenDevice } from '../observe/open-devices.ts';
import type { OutsideProcess, OutsideUse } from '../observe/outside-use.ts';
import type { SignalsResult } from '../trace/instruments/signals/result.ts';
import { causes } from './causes.ts';
import { isEngineSocketPath } from './host-paths.ts';
import type { Evidence } from './verdict.ts';
import { sayCount } from './wording.ts';

/** Something that a container could do and was seen doing, as a noun phrase: "/dev/sda, open". */
export interface Used {
  readonly what: string;
  readonly evidence: Evidence;
  /** The grants without which it could not. */
  readonly causes: readonly string[];
}

/** Where nobody looked. */
export const nothingSeen: OutsideUse = { files: [], processes: [], sockets: [], listeners: [], segments: [] };

/** "Seen in use: …", or that nothing was. */
export const sayUsed = (used: readonly Used[]): string =>
  used.length === 0
    ? 'None of it was seen in use.'
    : `Seen in use: ${used.map(({ what }) => what).join('; ')}.`;

/** Files that are open for writing now, by the mount of the host that they are on. */
export const usedMounts = ({ files }: OutsideUse, mounts: readonly HostMount[]): readonly Used[] =>
  mounts.flatMap(({ mountPoint }) => {
    const [first, ...rest] = files.filter(file => file.mountPoint === mountPoint);
    if (first === undefined) return [];
    return [
      {
        what: `${first.path}${rest.length > 0 ? ` and ${rest.length} more` : ''} open for writing`,
        evidence: {
          claim: `Open for writing on ${mountPoint}: ${sayCount(1 + rest.length, 'file')}`,
          source: `/proc/${first.pid}/fdinfo/${first.descriptor} flags, mnt_id`,
          observed: first.path,
        },
        causes: [causes.mount(mountPoint)],
      },
    ];
  });

/** A device other than those that every container has. */
export const usedDevice = ({ path, pid, descriptor, type, major, minor }: OpenDevice): Used => ({
  what: `${path}, open`,
  evidence: {
    claim: 'A device that it has open',
    source: `/proc/${pid}/fd/${descriptor}`,
    observed: `${path} (${type} ${major}:${minor})`,
  },
  causes: [causes.devices],
});

/** Connections to an engine by the socket that it takes orders at. */
export const usedSockets = ({ sockets }: OutsideUse, mounts: readonly HostMount[]): readonly Used[] =>
  sockets
    .filter(({ name }) => isEngineSocketPath(name))
    .map(({ name, pid, descriptor }) => ({
      what: `connected to ${name}`,
      evidence: connection(name, pid, descriptor),
      causes: mounts.map(({ mountPoint }) => causes.mount(mountPoint)),
    }));

const connection = (name: string, pid: number, descriptor: number): Evidence => ({
  claim: 'At the other end of its socket is a program outside',
  source: `/proc/${pid}/fd/${descriptor}, sock_diag`,
  observed: name,
});

const held: Readonly<Record<OutsideProcess['how'], { readonly says: string; readonly file: string }>> = {
  pidfd: { says: 'holds a pidfd of', file: 'fdinfo Pid' },
  proc: { says: 'has a file open in /proc of', file: 'fd' },
  traced: { says: 'traces', file: 'status TracerPid' },
};

export function usedPids(
  { processes }: OutsideUse,
  members: readonly ProcessFacts[],
  signals: SignalsResult | undefined,
): readonly Used[] {
  const grants = [causes.namespace('pid')];
  const own = new Set<number>(members.map(({ pid }) => pid));
  const sent = (signals?.events ?? []).filter(
    ({ by, sender, target }) => by === 'process' && own.has(sender.pid) && !own.has(target.pid),
  );
  const [first] = sent;
  return [
    ...processes.map(({ pid, how, target, targetName }) => ({
      what: `it ${held[how].says} "${targetName}" (${target})`,
      evidence: {
        claim: `A process of the host that it ${how === 'traced' ? 'traces' : 'has a hold of'}`,
        source: `/proc/${how === 'traced' ? target : pid}/${held[how].file}`,
        observed: `${pid} → ${target} ${targetName}`,
      },
      causes: grants,
    })),
    ...(first === undefined || signals === undefined
      ? []
      : [
          {
            what: `${sayCount(sent.length, 'signal')} sent to processes of the host`,
            evidence: {
              claim: `Signals to processes that are not its own in ${signals.seconds.toFixed(1)} s`,
              source: 'tracepoint signal_generate',
              observed: `${sent.length}; the first ${first.signal} to ${first.target.name} (${first.target.pid})`,
            },
            causes: grants,
          },
        ]),
  ];
}

export function usedNetwork({ listeners, sockets }: OutsideUse): readonly Used[] {
  const grants = [causes.namespace('net')];
  return [
    ...listeners.map(({ pid, descriptor, address, port }) => ({
      what: `it listens on ${address}:${port}`,
      evidence: {
        claim: 'It listens in the network of the host',
        source: `/proc/${pid}/fd/${descriptor}, sock_diag`,
        observed: `${address}:${port}`,
      },
      causes: grants,
    })),
    ...sockets
      .filter(({ name }) => name.startsWith('@'))
      .map(({ name, pid, descriptor }) => ({
        what: `connected to the abstract socket ${name}`,
        evidence: connection(name, pid, descriptor),
        causes: grants,
      })),
  ];
}

export const usedMemory = ({ segments }: OutsideUse): readonly Used[] =>
  segments.map(({ pid, id, creator }) => ({
    what: `System V memory ${id} of process ${creator} attached`,
    evidence: {
      claim: 'Memory that somebody outside made is attached in there',
      source: `/proc/${pid}/maps, /proc/sysvipc/shm`,
      observed: `shmid ${id}, cpid ${creator}`,
    },
    causes: [causes.namespace('ipc')],
  }));
