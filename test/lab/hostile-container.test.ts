import { mkdtempSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect } from 'vitest';
import { openRun } from '../../src/lab/bench.ts';
import { bytes } from '../../src/linux/units.ts';
import { glassbox } from '../cli/run.ts';
import { until } from '../support/engines/programs.ts';
import { runUnshare } from '../support/engines/unshare.ts';
import { labTest } from './as-root.ts';

/**
 * A container that plants whatever it can where we look: links to the host's secrets, pipes that block who opens them,
 * 200,000 names, names with escape codes, a file system whose server never answers, and a look-alike of our own tree.
 */
const plants = String.raw`
trap 'exit 0' TERM
cd /dev
ln -s /etc/shadow sda
ln -s /proc/self/root/etc/shadow sdb
ln -s sdc sdc
mkfifo pipe "$(printf '\033[2J\033]0;owned\007')" "$(printf 'two\nlines')"
printf 'root:%s:' stolen > vda
mkdir /dev/shm/deep && cd /dev/shm/deep
for i in 1 2 3 4 5 6 7 8 9; do mkdir d$i && cd d$i; ln -s / up; done
ln -s /etc/shadow /dev/shm/link
mkfifo /dev/shm/pipe
head -c 2000000 /dev/zero > "/dev/shm/$(printf '\033[31mred\nline')"
mkdir /dev/shm/many && cd /dev/shm/many && perl -e 'for (1 .. 200_000) { open F, ">", $_ or last; close F }'
mkdir -p /proc2 /run/proc && cp -a /dev/pipe /run/proc/status
exec 7<> /dev/pipe
exec 8> /run/deleted && head -c 2000000 /dev/zero >&8 && rm /run/deleted && ln -s /etc/shadow '/run/deleted (deleted)'
perl -e '
  my ($mount, $node) = @ARGV;
  mkdir "/dev/hangs"; mkdir "/hangs";
  open our $fuse, "+<", $node or die "no fuse\n";
  my ($source, $type, @places) = ("hangs", "fuse", "/dev/hangs", "/hangs");
  for my $at (@places) {
    open my $each, "+<", $node or die "no fuse\n";
    push our @kept, $each;
    my $options = "fd=" . fileno($each) . ",rootmode=40000,user_id=0,group_id=0";
    syscall($mount, $source, $at, $type, 0, $options) == 0 or die "no mount: $!\n";
  }
  $| = 1; print "hangs\n"; sleep 1000' "$1" /fuse &
wait $!
echo calm
sleep 1000 & wait
`;

const mountCall: Readonly<Record<string, number>> = { x64: 165, arm64: 40 };
const secret = /root:[$*!x]|root:stolen/;

/** Every command that looks at it ends, shows no secret, and no control character but our newlines. */
function looksCalm(selector: string): void {
  for (const words of [
    ['inspect', selector, '--disk'],
    ['diagnose', selector, '--all'],
    ['observe', selector],
    ['ps'],
    ['inspect', selector, '--json'],
    ['diagnose', selector, '--json'],
  ]) {
    const { code, output, errors } = glassbox(words, { timeout: 60_000 });
    const said = `${words.join(' ')}: ${errors.slice(0, 500)}`;
    expect(code, said).toBe(0);
    expect(output.length, said).toBeLessThan(2 ** 20);
    expect(output, said).not.toMatch(secret);
    expect(output, said).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
  }
}

labTest('what a container plants in its root neither misleads nor hangs nor leaks', async () => {
  const run = openRun();
  try {
    const container = await run.bench.container({
      name: 'hostile',
      program: {
        kind: 'shell',
        script: `set -- ${mountCall[process.arch] ?? 40}\nmknod /fuse c 10 229\n${plants}`,
      },
      privileged: true,
      sharedMemorySize: bytes(64 * 2 ** 20),
      limits: { memory: bytes(512 * 2 ** 20) },
    });
    // Kernels without FUSE do without the file system that hangs.
    await container.line(/^(hangs|calm)$/, 60_000);
    looksCalm(container.selector);
    const { output } = glassbox(['inspect', container.selector, '--json']);
    const facts = JSON.parse(output);
    // Links, pipes and files of these names are no disks.
    expect(facts.isolation.value.hostDevices).toEqual([]);
    expect(facts.unlinkedFiles.value).toMatchObject([]);
  } finally {
    expect(run.close()).toEqual([]);
  }
});

/**
 * One that goes on while it is looked at: directories swapped for links, a file and a symbol map that grow, its own /proc
 * covered by lies, a command line of a megabyte, names with escape codes for a process, a cgroup, a socket, a memory file and
 * a file that it has open on the host, and thousands of watches.
 */
const moves = String.raw`
trap 'exit 0' TERM
mkdir /dev/shm/swapped && ln -s /etc /dev/shm/link
while :; do mv /dev/shm/swapped /dev/shm/aside; mv /dev/shm/link /dev/shm/swapped; mv /dev/shm/swapped /dev/shm/link
  mv /dev/shm/aside /dev/shm/swapped; done 2> /dev/null &
while :; do head -c 100000 /dev/zero; sleep 0.01; done > /run/growing &
while :; do echo '1000 10 name'; done > /tmp/perf-1.map &
growing=$!
perl -e '
  use Socket; $| = 1;
  my ($memfd, $inotify, $watch) = @ARGV;
  $0 = "\e[2J\nCRITICAL " . ("x" x 1_000_000);
  open COMM, ">", "/proc/self/comm" and print COMM "\e]0;own\a\n";
  open our $file, ">", "/shared/\e[31mred\nline" or die "no file\n";
  syscall($memfd, my $name = "\e[2Jmemory", 0);
  socket(our $l, PF_UNIX, SOCK_STREAM, 0); bind($l, sockaddr_un("\0\e[2J\n$$")) or die "no socket\n"; listen($l, 1);
  if (!fork) { socket(our $c, PF_UNIX, SOCK_STREAM, 0); connect($c, sockaddr_un("\0\e[2J\n" . getppid)); print "up\n"; sleep 1000 }
  my $fd = syscall($inotify, 0);
  for (1 .. 3000) { open F, ">", "/run/w$_"; close F; syscall($watch, $fd, my $path = "/run/w$_", 2) }
  print "watching\n"; sleep 1000' "$@" &
mkdir /cg && mount -t cgroup -o pids none /cg 2> /dev/null || mount -t cgroup2 none /cg
mkdir "/cg$(sed -n 's/^[0-9]*:pids:\|^0:://p' /proc/self/cgroup | head -1)/$(printf '\033[2Jcg')" 2> /dev/null
( sleep 1; kill $growing ) &
mount -t tmpfs none /proc && mkdir -p /proc/1/fd /proc/self && ln -s /etc/shadow /proc/1/status && mkfifo /proc/stat
sleep 2; echo moving
sleep 1000 & wait
`;

const callNumbers: Readonly<Record<string, string>> = { x64: '319 294 254', arm64: '279 26 27' };

labTest('what a container does while it is looked at neither misleads nor hangs nor leaks', async () => {
  const run = openRun();
  try {
    const source = await run.bench.directory('shared');
    const container = await run.bench.container({
      name: 'restless',
      program: { kind: 'shell', script: `set -- ${callNumbers[process.arch] ?? '279 26 27'}\n${moves}` },
      privileged: true,
      binds: [{ source, target: '/shared', writable: true }],
      // Its loops leave the CPUs to others, who are in no hurry with it.
      limits: { memory: bytes(512 * 2 ** 20), cpuShares: 32 },
    });
    await container.line(/^watching$/, 30_000);
    await container.line(/^moving$/, 30_000);
    looksCalm(container.selector);
    const facts = JSON.parse(glassbox(['inspect', container.selector, '--json']).output);
    expect(facts.outsideUse.value.files).toMatchObject([
      { path: '/shared/\u001b[31mred\nline', mountPoint: '/shared' },
    ]);
    expect(facts.processes.length).toBeGreaterThan(3);
    // Of the host's own /proc, whatever lies over the container's.
    expect(facts.processes[0].status.name).not.toMatch(/root/);
  } finally {
    expect(run.close()).toEqual([]);
  }
});

const needsPerl = { kind: 'program', name: 'perl', package: 'perl-base' } as const;
const hasFuse = /\tfuse$/m.test(readFileSync('/proc/filesystems', 'utf8'));

describe.skipIf(!hasFuse)(`FUSE${hasFuse ? '' : ' (skipped: this kernel has none)'}`, () => {
  labTest('a root directory whose server never answers hangs nobody', [needsPerl], async () => {
    const directory = mkdtempSync(join(tmpdir(), 'glassbox-silent-'));
    const program = join(import.meta.dirname, 'programs/silent-root.pl');
    try {
      await using silent = await runUnshare(
        ['perl', program, `${mountCall[process.arch] ?? 40}`, directory],
        ['--mount', '--uts', '--ipc'],
      );
      await until(
        'its root is there',
        () => readlinkSync(`/proc/${silent.init}/root`).endsWith('/root') || undefined,
      );
      // It answers for two seconds.
      await sleep(2500);
      looksCalm(`pid:${silent.init}`);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
});
