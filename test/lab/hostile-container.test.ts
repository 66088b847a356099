import { expect } from 'vitest';
import { openRun } from '../../src/lab/bench.ts';
import { bytes } from '../../src/linux/units.ts';
import { glassbox } from '../cli/run.ts';
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
    for (const words of [
      ['inspect', container.selector],
      ['diagnose', container.selector, '--all'],
      ['observe', container.selector],
      ['ps'],
      ['inspect', container.selector, '--json'],
      ['diagnose', container.selector, '--json'],
    ]) {
      const { code, output, errors } = glassbox(words);
      const said = `${words.join(' ')}: ${errors.slice(0, 500)}`;
      expect(code, said).toBe(0);
      expect(output.length, said).toBeLessThan(2 ** 20);
      expect(output, said).not.toMatch(secret);
      // Newlines are ours; no other control character, no escape sequence.
      expect(output, said).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
    }
    const { output } = glassbox(['inspect', container.selector, '--json']);
    const facts = JSON.parse(output);
    // Links, pipes and files of these names are no disks.
    expect(facts.isolation.value.hostDevices).toEqual([]);
    expect(facts.unlinkedFiles.value).toMatchObject([]);
  } finally {
    expect(run.close()).toEqual([]);
  }
});
