import { existsSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openRun } from '../../src/lab/bench.ts';
import { runCrun } from '../support/engines/crun.ts';
import { type Dockerd, startDockerd } from '../support/engines/dockerd.ts';
import { findProgram, run, whyNot } from '../support/engines/programs.ts';
import { runUnshare } from '../support/engines/unshare.ts';
import { alarmsIn, foundIn, foundSoon, provedSoon } from '../support/found-in.ts';

/** The problems of the module network in containers that no lab of ours made. */
const upLink = 'ip link set lo up';
const server = (port: number): string => `nc -ll -p ${port} -e sleep 300 & sleep 0.3`;
/** Twelve connections that stay. */
const clients = (port: number): string =>
  `i=0; while [ $i -lt 12 ]; do (sleep 300 | nc 127.0.0.1 ${port} >/dev/null 2>&1 &); i=$((i + 1)); done; exec sleep 300`;
/** The far end puts what comes into a pipe that nobody reads. */
const unread = '(sleep 300 | nc -l -p 7007 | sleep 300) & sleep 0.3; exec nc 127.0.0.1 7007 < /dev/zero';

const inNetworkOf = (init: number, ...words: readonly string[]) =>
  run('nsenter', '--target', String(init), '--net', '--', ...words);

const withoutDocker = whyNot('dockerd', 'docker', 'containerd', 'runc', 'busybox', 'setpriv', 'tar');

describe.skipIf(withoutDocker !== undefined)(
  `network in Docker${withoutDocker === undefined ? '' : ` (skipped: ${withoutDocker})`}`,
  () => {
    let daemon: Dockerd;
    beforeAll(async () => {
      daemon = await startDockerd();
    });
    afterAll(() => daemon?.[Symbol.asyncDispose]());
    const start = (name: string, options: readonly string[], script: string) =>
      daemon.start(['--name', name, '--init', ...options], ['sh', '-c', script]);

    test('ten local ports and twelve connections to one server', async () => {
      const narrow = ['--sysctl', 'net.ipv4.ip_local_port_range=40000 40009'];
      await start('gb-ports', narrow, `${server(7006)}; ${clients(7006)}`);
      const finding = await foundSoon('network/ports-exhausted', 'gb-ports', daemon.environment);
      expect(finding.summary).toContain('All 10 local ports');
      await start('gb-room', [], `${server(7006)}; ${clients(7006)}`);
      expect([...(await foundIn('gb-room', daemon.environment)).keys()]).not.toContain(
        'network/ports-exhausted',
      );
    });

    test('a program at the far end that does not read', async () => {
      await start('gb-unread', [], unread);
      const finding = await foundSoon('network/send-queue-stuck', 'gb-unread', daemon.environment);
      expect(finding).toMatchObject({ certainty: 'proved', severity: 'warning' });
      expect(finding.summary).toMatch(/^Nc -l -p 7007 .* does not read/);
    });

    test('packets of others, handed to its CPU', async context => {
      if (cpus().length < 2) context.skip('needs 2 CPUs');
      await withFlood(async () => {
        await start('gb-flooded', ['--cpuset-cpus', '1'], spin);
        await foundSoon('network/softirq-delay', 'gb-flooded', daemon.environment, ['softirq']);
      });
    });

    test('260 tracked connections where 200 fit', async () => {
      await withFewTracked(async () => {
        const host = ['/usr', '/lib', '/lib64']
          .filter(existsSync)
          .flatMap(path => ['-v', `${path}:${path}:ro`]);
        const id = await daemon.start(
          ['--name', 'gb-tracked', ...host],
          ['sh', '-c', 'sleep 1; exec /usr/bin/perl -e "$0"', manyConnections],
        );
        const init = Number(await daemon.docker('inspect', '--format', '{{.State.Pid}}', id));
        await inNetworkOf(init, iptables, ...track);
        const finding = await foundSoon('network/conntrack-table-full', 'gb-tracked', daemon.environment);
        expect(finding.summary).toContain('200 of 200');
      });
    });
  },
);

/** Perl is on every Debian, and opens many connections without many processes. */
const manyConnections = `use IO::Socket::INET;
  $SIG{TERM} = sub { exit 0 };
  my $s = IO::Socket::INET->new(Listen => 4096, LocalAddr => "127.0.0.1:7009") or die;
  my @all;
  while (1) {
    push @all, IO::Socket::INET->new(PeerAddr => "127.0.0.1:7009", Timeout => 0.2) if @all < 260;
    @all = grep { defined } @all;
    select undef, undef, undef, 0.05 if @all >= 200;
  }`;
const track = ['-A', 'INPUT', '-m', 'conntrack', '--ctstate', 'INVALID', '-j', 'DROP'];

/** A limit of 200 tracked connections, for the machine, while `action` runs. */
async function withFewTracked(action: () => Promise<void>): Promise<void> {
  const lab = openRun();
  try {
    (await lab.bench.tuneHost()).set('net.netfilter.nf_conntrack_max', '200');
    await action();
  } finally {
    expect(lab.close()).toEqual([]);
  }
}

const spin = 'while :; do :; done';

/** A flood between two namespaces, each packet of which walks 8000 rules on CPU 1. */
async function withFlood(action: () => Promise<void>): Promise<void> {
  const flood = join(import.meta.dirname, '../../src/cases/network/softirq-delay/programs/flood.ts');
  await using far = await runUnshare(['sh', '-c', 'sleep 300; true']);
  await using near = await runUnshare([
    'sh',
    '-c',
    `sleep 1; exec taskset --cpu-list 0 "$0" ${flood} 10.0.0.2 9 15`,
    process.execPath,
  ]);
  await connectBoth(near.init, far.init);
  const rules =
    'i=0; while [ $i -lt 8000 ]; do echo "-A INPUT -s 10.$((i / 256 + 100)).$((i % 256)).1 -j DROP"; i=$((i + 1)); done';
  await inNetworkOf(far.init, 'sh', '-c', `{ echo '*filter'; ${rules}; echo COMMIT; } | iptables-restore`);
  const steer = 'mount -t sysfs none /sys && echo 2 > /sys/class/net/eth0/queues/rx-0/rps_cpus';
  await inNetworkOf(far.init, 'unshare', '--mount', 'sh', '-c', steer);
  await action();
}

/** A gateway with docker-proxy, a client behind it that stays connected, and the container; the rules were never made. */
async function serveByProxy(container: number, action: () => Promise<void>): Promise<void> {
  const proxy = `docker-proxy -proto tcp -host-ip 0.0.0.0 -host-port 8080 -container-ip 10.0.0.2 -container-port 80`;
  // It waits for its parent on descriptor 3, and says there that it listens.
  await using gateway = await runUnshare(['sh', '-c', `sleep 1; exec ${proxy} 3>/dev/null`]);
  await using client = await runUnshare([
    'sh',
    '-c',
    'sleep 2; sleep 300 | busybox nc 10.1.0.1 8080; sleep 300',
  ]);
  await connectBoth(gateway.init, container);
  await inNetworkOf(container, ...'ip route add default via 10.0.0.1'.split(' '));
  await inNetworkOf(
    gateway.init,
    ...`ip link add eth1 type veth peer name eth0 netns ${client.init}`.split(' '),
  );
  for (const [init, device, address] of [
    [gateway.init, 'eth1', '10.1.0.1/24'],
    [client.init, 'eth0', '10.1.0.2/24'],
  ] as const) {
    await inNetworkOf(init, 'ip', 'address', 'add', address, 'dev', device);
    await inNetworkOf(init, 'ip', 'link', 'set', device, 'up');
  }
  await action();
}

const withoutCrun = whyNot('crun', 'busybox', 'setpriv');

/** Bursts of 128 KiB: neither of the two queues overflows, so that nothing is lost there. */
const feed =
  'while :; do (while :; do head -c 131072 /dev/zero || break; sleep 0.1; done) | nc 10.0.0.2 7010; sleep 0.1; done';

describe.skipIf(withoutCrun !== undefined)(
  `network in crun${withoutCrun === undefined ? '' : ` (skipped: ${withoutCrun})`}`,
  () => {
    test('a program at the far end that does not read', async () => {
      await using box = await runCrun(['sh', '-c', `sleep 1; ${unread}`]);
      await inNetworkOf(box.init, ...upLink.split(' '));
      expect((await foundSoon('network/send-queue-stuck', box.id)).certainty).toBe('proved');
    });

    test('packets lost by a firewall, and packets that take two ways', async () => {
      await using far = await runNode(receiver);
      await using near = await runCrun(['sh', '-c', feed]);
      await connectBoth(near.init, far.init);
      await inNetworkOf(
        near.init,
        ...'tc qdisc add dev eth0 root tbf rate 80mbit burst 15k latency 400ms'.split(' '),
      );
      const some = [
        '-p',
        'tcp',
        '-m',
        'statistic',
        '--mode',
        'random',
        '--probability',
        '0.05',
        '-j',
        'DROP',
      ];
      await inNetworkOf(far.init, iptables, '-I', 'INPUT', ...some);
      await provedSoon('network/retransmissions', near.id);
      await inNetworkOf(far.init, iptables, '-D', 'INPUT', ...some);
      await inNetworkOf(near.init, ...'tc qdisc del dev eth0 root'.split(' '));
      await takeTwoWays(near.init);
      expect((await foundSoon('network/reordering', near.id)).certainty).toBe('proved');
    });
  },
);

const withoutUnshare = whyNot('unshare', 'setpriv', 'ip', 'tc', 'iptables', 'crun', 'busybox');
const iptables = findProgram('iptables') ?? 'iptables';

/** A program of Node's in namespaces of its own, with loopback up. */
const runNode = (program: string, before = upLink) =>
  runUnshare(['sh', '-c', `${before}; exec "$0" -e "$1"`, process.execPath, program]);

const receiver = `process.on('SIGTERM', () => process.exit());
  require('net').createServer(s => s.on('error', () => {}).resume()).listen(7010);`;
/** 256 KiB twenty times a second, as soon as there is a way. */
const sender = `process.on('SIGTERM', () => process.exit());
  const data = Buffer.alloc(262144);
  const begin = () => {
    const s = require('net').connect(7010, '10.0.0.2', () => { const b = () => s.write(data, () => setTimeout(b, 50)); b(); });
    s.on('error', () => setTimeout(begin, 100));
  };
  begin();`;

/** Every tenth packet that a container sends takes a slower queue. */
async function takeTwoWays(init: number): Promise<void> {
  for (const command of [
    'tc qdisc add dev eth0 root handle 1: htb default 10 r2q 1000',
    'tc class add dev eth0 parent 1: classid 1:10 htb rate 200mbit burst 30k',
    'tc class add dev eth0 parent 1: classid 1:20 htb rate 10mbit',
    `${iptables} -t mangle -A POSTROUTING -p tcp -m statistic --mode nth --every 10 --packet 0 -j CLASSIFY --set-class 1:20`,
  ])
    await inNetworkOf(init, ...command.split(' '));
}

/** A cable between two containers, 10.0.0.1 and 10.0.0.2. */
async function connectBoth(one: number, other: number): Promise<void> {
  await inNetworkOf(one, ...`ip link add eth0 type veth peer name eth0 netns ${other}`.split(' '));
  for (const [init, address] of [
    [one, '10.0.0.1/24'],
    [other, '10.0.0.2/24'],
  ] as const) {
    await inNetworkOf(init, 'ip', 'address', 'add', address, 'dev', 'eth0');
    await inNetworkOf(init, ...'ip link set eth0 gso_max_segs 1 up'.split(' '));
  }
}

describe.skipIf(withoutUnshare !== undefined)(
  `network with no engine${withoutUnshare === undefined ? '' : ` (skipped: ${withoutUnshare})`}`,
  () => {
    test('a range of 50 ports for one destination, while another has room', async () => {
      const narrow = `${upLink}; sysctl -qw net.ipv4.ip_local_port_range="40000 40049"`;
      await using box = await runNode(
        `const net = require('net');
         process.on('SIGTERM', () => process.exit());
         for (const port of [7001, 7002]) net.createServer(() => {}).listen(port, '127.0.0.1');
         const open = (port, n) => { while (n-- > 0) net.connect(port, '127.0.0.1').on('error', () => {}); };
         setTimeout(() => { open(7001, 60); open(7002, 5); }, 100);`,
        narrow,
      );
      const finding = await foundSoon('network/ports-exhausted', `pid:${box.init}`);
      expect(finding.summary).toContain('127.0.0.1:7001');
      expect(JSON.stringify(finding.excluded)).toContain('5 of 50 ports');
    });

    test('answers that a firewall drops: nothing is acknowledged', async () => {
      await using box = await runNode(
        `const net = require('net');
         process.on('SIGTERM', () => process.exit());
         net.createServer(s => s.resume()).listen(7003, '127.0.0.1', () => {
           const s = net.connect(7003, '127.0.0.1', () => setInterval(() => s.write('x'.repeat(1000)), 100));
         });`,
      );
      await foundIn(`pid:${box.init}`);
      const drop = ['-I', 'INPUT', '-p', 'tcp', '--dport', '7003', '-j', 'DROP'];
      await inNetworkOf(box.init, iptables, ...drop);
      const finding = await foundSoon('network/send-queue-stuck', `pid:${box.init}`);
      expect(finding).toMatchObject({ certainty: 'proved', severity: 'warning' });
      expect(finding.summary).toContain('nothing has been acknowledged');
    });

    test('260 tracked connections where 200 fit', async () => {
      await withFewTracked(async () => {
        await using box = await runUnshare([
          'sh',
          '-c',
          `${upLink}; iptables ${track.join(' ')}; exec perl -e "$0"`,
          manyConnections,
        ]);
        const finding = await foundSoon('network/conntrack-table-full', `pid:${box.init}`);
        expect(finding.summary).toContain('200 of 200');
      });
      await using box = await runUnshare([
        'sh',
        '-c',
        `${upLink}; iptables ${track.join(' ')}; exec perl -e "$0"`,
        manyConnections,
      ]);
      const all = await foundIn(`pid:${box.init}`);
      expect([...all.keys()]).not.toContain('network/conntrack-table-full');
    });

    test('one packet in twenty dropped by the firewall of the far container', async () => {
      await using far = await runNode(receiver);
      await using near = await runNode(sender);
      await connectBoth(near.init, far.init);
      const some = ['-m', 'statistic', '--mode', 'random', '--probability', '0.05', '-j', 'DROP'];
      await inNetworkOf(far.init, iptables, '-I', 'INPUT', '-p', 'tcp', ...some);
      const finding = await provedSoon('network/retransmissions', `pid:${near.init}`);
      expect(finding.severity).toBe('warning');
      expect(finding.summary).toMatch(/a firewall rule in the network of unshare \(pid \d+\)/);
      // Whoever receives sends nothing again.
      expect([...(await foundIn(`pid:${far.init}`)).keys()]).not.toContain('network/retransmissions');
    });

    test('packets that pay for a veth, of two containers', async () => {
      await using far = await runNode(receiver);
      await using near = await runNode(sender);
      await connectBoth(near.init, far.init);
      const finding = await foundSoon('network/veth-cost', `pid:${near.init}`);
      expect(finding).toMatchObject({ severity: 'notice', certainty: 'proved' });
      expect(finding.summary).toContain('veth eth0, backlog of a CPU, veth eth0');
      // The other end pays as much.
      await foundSoon('network/veth-cost', `pid:${far.init}`);
    });

    test('one packet in ten through a slower queue: reordering, and nothing lost', async () => {
      await using far = await runNode(receiver);
      await using near = await runNode(sender);
      await connectBoth(near.init, far.init);
      await takeTwoWays(near.init);
      const finding = await foundSoon('network/reordering', `pid:${near.init}`);
      expect(finding).toMatchObject({ certainty: 'proved' });
      expect([...(await foundIn(`pid:${near.init}`)).keys()]).not.toContain('network/retransmissions');
    });

    test('a port that docker-proxy serves, of two containers', async context => {
      if (findProgram('docker-proxy') === undefined) context.skip('needs docker-proxy');
      await using node = await runNode(
        `process.on('SIGTERM', () => process.exit());
         require('net').createServer(s => s.on('error', () => {}).resume()).listen(80);`,
      );
      await serveByProxy(node.init, async () => {
        const finding = await foundSoon('network/port-served-by-proxy', `pid:${node.init}`);
        expect(finding).toMatchObject({ severity: 'warning', certainty: 'proved' });
        expect(finding.summary).toContain('1 client from elsewhere looks like 10.0.0.1');
      });
      await using box = await runCrun(['sh', '-c', 'nc -ll -p 80 -e cat']);
      await serveByProxy(box.init, async () => {
        await foundSoon('network/port-served-by-proxy', box.id);
      });
    });

    test('packets of others, handed to its CPU', async context => {
      if (cpus().length < 2) context.skip('needs 2 CPUs');
      await withFlood(async () => {
        await using box = await runCrun(['sh', '-c', spin], { resources: { cpu: { cpus: '1' } } });
        const finding = await foundSoon('network/softirq-delay', box.id, {}, ['softirq']);
        expect(finding).toMatchObject({ severity: 'warning', certainty: 'proved' });
      });
    });

    test('healthy and busy: bursts between two containers', async () => {
      await using far = await runNode(receiver);
      await using near = await runNode(sender);
      await connectBoth(near.init, far.init);
      await new Promise(resolve => setTimeout(resolve, 500));
      for (const { init } of [near, far]) {
        const alarms = await alarmsIn(`pid:${init}`);
        expect(alarms.filter(id => id.startsWith('network/'))).toEqual([]);
      }
    });

    test.each([
      ['a server with clients that keep their connections', true],
      ['a server with a new connection for each request', false],
    ])('healthy and busy: %s', async (_, keepAlive) => {
      await using box = await runNode(
        `const http = require('http');
         process.on('SIGTERM', () => process.exit());
         const agent = new http.Agent({ keepAlive: ${keepAlive} });
         const options = { host: '127.0.0.1', port: 8080, agent };
         const ask = () => http.get(options, r => r.resume().on('end', ask)).on('error', ask);
         http.createServer((_, r) => r.end('x'.repeat(20000))).listen(8080, '127.0.0.1', () => {
           for (let i = 0; i < 10; i++) ask();
         });`,
      );
      // Without limits, which is another case's business.
      const alarms = await alarmsIn(`pid:${box.init}`);
      expect(alarms.filter(id => id.startsWith('network/'))).toEqual([]);
    });
  },
);
