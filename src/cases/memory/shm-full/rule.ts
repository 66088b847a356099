import type { Container } from '../../../containers/container.ts';
import type { RuleOf } from '../../../diagnose/case.ts';
import { tightestLevel } from '../../../diagnose/memory-limit.ts';
import { type Evidence, type Fix, found, inconclusive, ruledOut } from '../../../diagnose/verdict.ts';
import { sayBytes, shellWord } from '../../../diagnose/wording.ts';
import { absent } from '../../../linux/reading.ts';
import { type Bytes, bytes } from '../../../linux/units.ts';
import type { SharedMemoryFacts } from '../../../observe/observation.ts';
import type { definition, ShmFullFacts } from './case.ts';

type Mount = SharedMemoryFacts['mounts'][number];

/** Where shm_open(3) puts its files, whatever the program is. */
const sharedMemoryMount = '/dev/shm';
/** Less than a page of the largest size that Linux uses: nothing more fits. */
const nothingFits = 64 * 1024;

/**
 * Found: the tmpfs at /dev/shm has no page left. The next write answers ENOSPC; the next touch of a page of a
 * mapping that was made larger than what is left is a SIGBUS.
 */
export const rule: RuleOf<typeof definition> = facts => {
  const mount = facts.sharedMemory.mounts.find(({ path }) => path === sharedMemoryMount);
  if (mount === undefined) {
    return ruledOut({
      claim: 'Nothing is in /dev/shm that takes room',
      source: `statfs of ${pathOf(facts.container, sharedMemoryMount)}`,
      observed: 'less than 1 MiB of shared memory, or no tmpfs there',
    });
  }
  if (mount.size === 0) {
    return ruledOut({
      claim: '/dev/shm has no size of its own',
      source: `statfs of ${pathOf(facts.container, sharedMemoryMount)}`,
      observed: 'f_blocks 0',
    });
  }
  if (mount.used > mount.size)
    return inconclusive(absent('statfs of /dev/shm', 'vanished', 'it was resized just now; look again'));
  if (mount.size - mount.used >= nothingFits) return ruledOut(fullness(facts.container, mount));
  return judgeFull(facts, mount);
};

function judgeFull({ container, memory }: ShmFullFacts, mount: Mount) {
  const { used, size, largest } = mount;
  const [first] = largest;
  const what = first === undefined ? '' : ` The largest file is ${first.path} (${sayBytes(first.size)}).`;
  return found({
    severity: 'warning',
    certainty: 'proved',
    summary: `/dev/shm is full: ${sayBytes(used)} of ${sayBytes(size)}.${what} A write there now fails with ENOSPC, and a process that touches a page it mapped but that was never allocated is killed by SIGBUS, though the container may have memory left.`,
    evidence: [
      fullness(container, mount),
      ...largest.slice(0, 5).map(file => ({
        claim: `A file of ${sayBytes(file.size)} in it`,
        source: pathOf(container, file.path),
        observed: String(file.size),
      })),
      ...(mount.complete ? [] : [cutShort(container)]),
    ],
    excluded: roomInCgroup(memory),
    fixes: fixesFor(container, mount, memory),
  });
}

const fullness = (container: Container, { used, size }: Mount): Evidence => ({
  claim: `${sayBytes(bytes(size - used))} left of ${sayBytes(size)} in /dev/shm`,
  source: `df -B1 ${pathOf(container, sharedMemoryMount)}`,
  observed: `used ${used}, size ${size}`,
});

const cutShort = (container: Container): Evidence => ({
  claim: 'It has too many files to look at all of them',
  source: pathOf(container, sharedMemoryMount),
  observed: 'the walk was cut short',
});

/** That the mount's size is what is short, and not the memory limit. */
function roomInCgroup(memory: ShmFullFacts['memory']): readonly Evidence[] {
  if (!memory.present) return [];
  const limited = tightestLevel(memory.value);
  if (limited === undefined || limited.level.last.usage >= limited.limit * 0.9) return [];
  return [
    {
      claim: 'Not the memory limit, which has room',
      source: limited.level.directory,
      observed: `usage ${limited.level.last.usage} of ${limited.limit}`,
    },
  ];
}

function fixesFor(
  container: Container,
  { size, largest }: Mount,
  memory: ShmFullFacts['memory'],
): readonly Fix[] {
  const wanted = bytes(size * 2);
  const limited = memory.present ? tightestLevel(memory.value) : undefined;
  const beyond = limited !== undefined && wanted + limited.level.last.usage - size > limited.limit;
  const risk = beyond
    ? `What is written there counts to the memory limit of ${sayBytes(limited.limit)}: raise that too, or a process is killed instead`
    : 'What is written there counts to the memory limit of the container';
  const [first] = largest;
  return [
    {
      action: `${howToSize(container, wanted)}, for good`,
      ...resizeCommand(container, wanted),
      effect: `Twice the room (${sayBytes(wanted)}); as a command at once, until the container is made again`,
      risk,
    },
    ...(first === undefined
      ? []
      : [
          {
            action: `Or delete what is not needed, if nobody uses it: ${first.path}`,
            command: `fuser -v ${shellWord(pathOf(container, first.path))}`,
            effect: `Gives back ${sayBytes(first.size)} when it is deleted; the command only shows who has it open`,
            risk: 'A program that has it mapped keeps the memory, and others do not find it any more',
          },
        ]),
  ];
}

function howToSize({ engine, pod }: Container, wanted: Bytes): string {
  if (pod !== null)
    return `Mount an emptyDir with medium: Memory and sizeLimit ${mebibytes(wanted)}Mi at /dev/shm`;
  return engine === 'docker' || engine === 'podman'
    ? `Make the container with --shm-size ${mebibytes(wanted)}m`
    : `Mount /dev/shm with size=${mebibytes(wanted)}m`;
}

/** Remounting changes the size of a tmpfs in use; nsenter runs the container's own mount(8), if it has one. */
const resizeCommand = ({ init }: Container, wanted: Bytes): Pick<Fix, 'command'> =>
  init === null
    ? {}
    : { command: `nsenter -t ${init} -m mount -o remount,size=${mebibytes(wanted)}m /dev/shm` };

const mebibytes = (value: Bytes): number => Math.ceil(value / 2 ** 20);
const pathOf = ({ init }: Container, path: string): string => `/proc/${init ?? '<pid>'}/root${path}`;
