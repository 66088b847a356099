import type {
  ExecEvent,
  ExecResult,
  ExecutedFile,
  ExitEvent,
} from '../../../trace/instruments/exec/result.ts';

/**
 * nameless: the file that ran has no name, in memory alone or deleted. fresh: it is not in the image as it ran, or was written
 * after the container had started. entered: a shell with a terminal, started from outside. packages: a package manager, which changes what the
 * image was.
 */
export type Kind = 'nameless' | 'fresh' | 'entered' | 'packages';
export const kinds = ['nameless', 'fresh', 'entered', 'packages'] as const satisfies readonly Kind[];

/** Starts of one program that are surprising for one reason. */
export interface Surprise {
  readonly kind: Kind;
  readonly file: string;
  readonly first: ExecEvent;
  readonly count: number;
  /** How the first one ended, when it did. */
  readonly ended: ExitEvent['ended'] | null;
  /** Written where everybody may write. */
  readonly isTemporary: boolean;
}

const packageManagers = new Set(
  'apk apt apt-get dnf dpkg gem microdnf pacman pip pip3 rpm yum zypper'.split(' '),
);
const shells = new Set('ash bash busybox dash ksh sh zsh'.split(' '));
const temporary = /^\/(?:tmp|var\/tmp|dev\/shm|run|proc\/self\/fd|dev\/fd)(?:\/|$)/;
const baseName = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/** A clock of the file system ticks a few milliseconds behind, and an engine writes before it starts. */
const settleMs = 1000;

export function findSurprises(
  { events }: Pick<ExecResult, 'events'>,
  startedAt: string | null,
): readonly Surprise[] {
  const started = startedAt === null ? Number.POSITIVE_INFINITY : Date.parse(startedAt) + settleMs;
  const surprises = new Map<string, Surprise>();
  for (const event of events) {
    if (event.kind !== 'exec') continue;
    const kind = kindOf(event, started);
    if (kind === undefined) continue;
    const key = `${kind} ${event.file}`;
    const known = surprises.get(key);
    surprises.set(
      key,
      known === undefined
        ? {
            kind,
            file: event.file,
            first: event,
            count: 1,
            ended: endOf(events, event),
            isTemporary: temporary.test(event.file),
          }
        : { ...known, count: known.count + 1 },
    );
  }
  return [...surprises.values()].sort(
    (a, b) => kinds.indexOf(a.kind) - kinds.indexOf(b.kind) || b.count - a.count,
  );
}

function kindOf(event: ExecEvent, started: number): Kind | undefined {
  const { program, file, parent, tty, arguments: words } = event;
  if (program?.links === 0) return 'nameless';
  if (program !== undefined && isFresh(program, started)) return 'fresh';
  const name = baseName(file) === 'busybox' ? baseName(words[0] ?? file) : baseName(file);
  if (packageManagers.has(name)) return 'packages';
  return parent !== null && parent.inside === null && tty !== null && shells.has(name)
    ? 'entered'
    : undefined;
}

/**
 * The layer is proof: what is in the upper one the image has not, or has otherwise, whatever a clock says; and what is in a lower
 * one it has. Without layers the time of the last change tells.
 */
const isFresh = ({ place, changedAt }: ExecutedFile, started: number): boolean =>
  place === 'upper' || (place !== 'lower' && Date.parse(changedAt) > started);

function endOf(events: ExecResult['events'], { pid, at }: ExecEvent): ExitEvent['ended'] | null {
  const end = events.find(event => event.kind === 'exit' && event.pid === pid && event.at >= at);
  return end?.kind === 'exit' ? end.ended : null;
}
