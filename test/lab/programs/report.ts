/** Says how it sees its container, as one line of JSON, and then repeats what it hears. */
import { readdirSync, readFileSync, statfsSync } from 'node:fs';
import { hostname } from 'node:os';

const status = readFileSync('/proc/self/status', 'utf8');
const line = (name: string): string => new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1] ?? '';
const shm = statfsSync('/dev/shm');
const loopback = readFileSync('/proc/net/dev', 'utf8');
console.log(
  JSON.stringify({
    hostname: hostname(),
    pid: process.pid,
    uid: process.getuid?.(),
    processes: readdirSync('/proc').filter(name => /^\d+$/.test(name)).length,
    interfaces: loopback.match(/^\s*\w+:/gm)?.map(name => name.trim()),
    cgroups: readFileSync('/proc/self/cgroup', 'utf8').trim().split('\n'),
    blocked: line('SigBlk'),
    effective: line('CapEff'),
    bounding: line('CapBnd'),
    noNewPrivileges: line('NoNewPrivs'),
    sharedMemory: shm.blocks * shm.bsize,
    somaxconn: readFileSync('/proc/sys/net/core/somaxconn', 'utf8').trim(),
    environment: Object.keys(process.env).sort(),
    arguments: process.argv.slice(2),
  }),
);
process.stdin.setEncoding('utf8').on('data', heard => process.stdout.write(`heard ${heard}`));
