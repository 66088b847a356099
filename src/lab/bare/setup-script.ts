import type { NamespaceKind } from '../../linux/namespaces.ts';
import { syscallNumber } from '../../linux/syscalls/names.ts';
import type { Bytes } from '../../linux/units.ts';
import { programEnvironment } from '../program-command.ts';

/** What the set-up script of one container is written from; all paths are the host's. */
export interface SetupPlan {
  readonly hostName: string;
  /** An empty directory; the container's root is built over it, inside the private mount namespace only. */
  readonly mountPoint: string;
  readonly shared: ReadonlySet<NamespaceKind>;
  /** The host's root is not a mount point. */
  readonly isChroot: boolean;
  /** Undefined for root. */
  readonly uid: number | undefined;
  /** Names of those that root keeps; `all` also leaves it the kernel's files. */
  readonly capabilities: readonly string[] | 'all';
  /** Numbers of system calls that fail with EPERM. */
  readonly deniedCalls: readonly number[];
  /** RLIMIT_NPROC. */
  readonly processLimit: number | undefined;
  readonly cgroupDirectories: readonly string[];
  readonly binds: readonly { readonly source: string; readonly target: string; readonly writable: boolean }[];
  readonly sysctls: Readonly<Record<string, string>>;
  readonly sharedMemorySize: Bytes;
  readonly command: readonly string[];
}

/** Files of the kernel that a container's root must not write to, because they act on the whole host. */
const readOnlyInProc = ['bus', 'fs', 'irq', 'sys', 'sysrq-trigger'];

const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
const words = (command: readonly string[]): string => command.map(quote).join(' ');

/**
 * The program of PID 1 until the container's own takes over. Descriptor 3 leads to the owner: the pid goes
 * out, and nothing is made before `go` comes back, because only then is the pid in the journal. Without an
 * owner that read ends, and so does the script.
 */
export function setupScript(plan: SetupPlan): string {
  const ownMounts = !plan.shared.has('mnt');
  return [
    'set -eu',
    'read -r pid rest < /proc/self/stat',
    'echo "$pid" >&3',
    'read -r go <&3',
    'umask 022',
    ...(ownMounts && plan.isChroot ? [privateMounts] : []),
    ...(plan.shared.has('uts') ? [] : [`echo ${quote(plan.hostName)} > /proc/sys/kernel/hostname`]),
    ...(plan.shared.has('net') ? [] : [loopbackUp]),
    ...(ownMounts ? [...rootFileSystem(plan), ...kernelFileSystems(plan), ...binds(plan)] : []),
    ...sysctls(plan, ownMounts ? 'proc' : '/proc'),
    ...(ownMounts && plan.uid === undefined && plan.capabilities !== 'all'
      ? readOnlyInProc.map(protectedFile)
      : []),
    // As late as possible: the set-up's own time and memory are not the container's.
    ...plan.cgroupDirectories.map(directory => `echo 0 > ${quote(`${directory}/cgroup.procs`)}`),
    ...(ownMounts ? [changeRoot] : ['root=']),
    'echo ready >&3',
    'exec 3>&-',
    `exec env -i ${words([...programEnvironment, `HOSTNAME=${plan.hostName}`])} $root ${words([...session(plan), ...cgroupNamespace(plan), ...filter(plan), ...credentials(plan), ...plan.command])}`,
  ].join('\n');
}

/**
 * In a chroot no path leads to the mount that the root is part of. A process that enters its own mount namespace
 * once more stands at that namespace's root, outside of the chroot; only this one command does.
 */
const privateMounts = 'nsenter --mount=/proc/self/ns/mnt mount --make-rprivate /';

/** SIOCGIFFLAGS and SIOCSIFFLAGS with IFF_UP: for machines without iproute2. Perl is part of every Debian. */
const loopbackUp = `ip link set lo up 2>/dev/null || perl -e 'socket(S,2,2,0)||die $!;my $r=pack("a16s","lo",0);ioctl(S,0x8913,$r)||die $!;(my $n,my $f)=unpack("a16s",$r);ioctl(S,0x8914,pack("a16s","lo",$f|1))||die $!' || echo 'lo stays down: install iproute2' >&2`;

/**
 * The host's own root, read through an overlay whose writable layer is a tmpfs of this mount namespace: nothing
 * is unpacked, nothing is written to the host, and all of it ends with the last process inside.
 */
const rootFileSystem = ({ mountPoint }: SetupPlan): readonly string[] => [
  `mount -t tmpfs -o mode=755,size=256m glassbox ${quote(mountPoint)}`,
  `cd ${quote(mountPoint)}`,
  'mkdir upper work root',
  `mount -t overlay -o ${quote(`lowerdir=/,upperdir=${mountPoint}/upper,workdir=${mountPoint}/work`)} overlay root`,
  'cd root',
  'mkdir -p proc sys dev run tmp mnt',
  'mount -t tmpfs -o nosuid,nodev,mode=755,size=16m tmpfs run',
  'mount -t tmpfs -o nosuid,nodev,mode=1777,size=64m tmpfs tmp',
];

const kernelFileSystems = ({ sharedMemorySize }: SetupPlan): readonly string[] => [
  'mount -t proc -o nosuid,nodev,noexec proc proc',
  'mount -t sysfs -o ro,nosuid,nodev,noexec sysfs sys',
  'mount -t tmpfs -o nosuid,mode=755,size=64k tmpfs dev',
  'mkdir dev/pts dev/shm',
  // One copy makes all nodes; where mknod is not allowed each is bound from the host.
  'cp -a /dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty dev/ 2>/dev/null || for node in null zero full random urandom tty; do',
  '  [ -e /dev/$node ] || continue; rm -f dev/$node; true > dev/$node; mount --bind /dev/$node dev/$node',
  'done',
  'ln -s /proc/self/fd dev/fd; ln -s fd/0 dev/stdin; ln -s fd/1 dev/stdout; ln -s fd/2 dev/stderr',
  'mount -t devpts -o newinstance,nosuid,noexec,ptmxmode=0666,mode=0620 devpts dev/pts && ln -s pts/ptmx dev/ptmx',
  `mount -t tmpfs -o nosuid,nodev,noexec,mode=1777,size=${sharedMemorySize} shm dev/shm`,
];

function binds(plan: SetupPlan): readonly string[] {
  return plan.binds.flatMap(({ source, target, writable }) => {
    const inside = quote(`.${target}`);
    const from = quote(source);
    return [
      `if [ -d ${from} ]; then mkdir -p ${inside}; else mkdir -p "$(dirname ${inside})"; [ -e ${inside} ] || true > ${inside}; fi`,
      `mount -o bind${writable ? '' : ',ro'} ${from} ${inside}`,
    ];
  });
}

const sysctls = (plan: SetupPlan, proc: string): readonly string[] =>
  Object.entries(plan.sysctls).map(
    ([key, value]) => `echo ${quote(value)} > ${quote(`${proc}/sys/${key.replaceAll('.', '/')}`)}`,
  );

const protectedFile = (name: string): string =>
  `if [ -e proc/${name} ]; then mount -o bind,ro proc/${name} proc/${name}; fi`;

/** pivot_root(2) refuses when the host's root is itself a chroot; there the root is moved over the old one. */
const changeRoot = `root=
if pivot_root . mnt 2>/dev/null; then
  cd /
  umount -l /mnt
else
  mount --move . /
  root='chroot .'
fi`;

/**
 * A session of its own, as engines give: `kill 0` inside must not reach unshare, whose group it would share. With
 * the host's pids it is unshare's own process, which leads a session already, and setsid(1) would fork.
 */
const session = ({ shared }: SetupPlan): readonly string[] => (shared.has('pid') ? [] : ['setsid']);

/** After joining, so that the container's own cgroups become the roots it sees. */
const cgroupNamespace = ({ shared }: SetupPlan): readonly string[] =>
  shared.has('cgroup') ? [] : ['unshare', '--cgroup'];

/**
 * A seccomp filter as engines install it: while the process may still do everything, so that no_new_privs is not
 * needed. util-linux learned it in 2.41; Perl makes the one system call, by `prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER)`.
 */
const filter = ({ deniedCalls }: SetupPlan): readonly string[] =>
  deniedCalls.length === 0
    ? []
    : ['perl', '-e', installFilter, `${syscallNumber('prctl') ?? 167}`, deniedCalls.join(), '--'];

/** Loads the call's number; each denied one jumps to `RET ERRNO | EPERM`, the rest falls through to `RET ALLOW`. */
const installFilter = `my ($prctl, $calls, $end, @program) = @ARGV;
my @calls = split /,/, $calls;
my @code = ([0x20, 0, 0, 0], map([0x15, @calls - $_, 0, $calls[$_]], 0 .. $#calls), [0x06, 0, 0, 0x7fff0000], [0x06, 0, 0, 0x00050001]);
my $code = join "", map(pack("SCCL", @$_), @code);
my $filter = pack("Sx![P]P", scalar(@code), $code);
my ($set, $mode) = (22, 2);
syscall($prctl, $set, $mode, $filter) == 0 or die "no seccomp filter: $!\n";
exec @program;`;

/** A change of uid clears the parent-death signal that unshare set, so it is set once more. */
function credentials({ uid, capabilities, processLimit }: SetupPlan): readonly string[] {
  const limited = processLimit === undefined ? [] : ['prlimit', `--nproc=${processLimit}`];
  const common = ['setpriv', '--pdeathsig', 'KILL', '--inh-caps=-all', '--ambient-caps=-all'];
  if (uid === undefined) {
    const kept = capabilities === 'all' ? [] : capabilities.map(name => `+${name.toLowerCase()}`);
    return [
      ...limited,
      ...common,
      ...(capabilities === 'all' ? [] : [`--bounding-set=${['-all', ...kept]}`]),
    ];
  }
  const ids = ['--reuid', `${uid}`, '--regid', `${uid}`, '--clear-groups'];
  return [...limited, ...common, ...ids, '--bounding-set=-all', '--no-new-privs'];
}
