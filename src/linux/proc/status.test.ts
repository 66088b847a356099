import { expect, test } from 'vitest';
import { parseAllowedCpus, parseMask, parseStatus } from './status.ts';

/** Linux 6.18: `unshare -Urpf --mount-proc setpriv --no-new-privs sleep 5` as the host sees it. */
const init618 = `Name:	sleep
Umask:	0022
State:	S (sleeping)
Tgid:	26838
Ngid:	0
Pid:	26838
PPid:	26836
TracerPid:	0
Uid:	0	0	0	0
Gid:	0	0	0	0
FDSize:	256
Groups:	 
NStgid:	26838	1
NSpid:	26838	1
NSpgid:	26826	0
NSsid:	2354	0
Kthread:	0
VmPeak:	    2920 kB
VmSize:	    2920 kB
VmHWM:	    1784 kB
VmRSS:	    1784 kB
RssAnon:	     108 kB
RssFile:	    1676 kB
RssShmem:	       0 kB
VmPTE:	      44 kB
VmSwap:	       0 kB
HugetlbPages:	       0 kB
CoreDumping:	0
THP_enabled:	1
untag_mask:	0xffffffffffffffff
Threads:	1
SigQ:	0/96365
SigPnd:	0000000000000000
ShdPnd:	0000000000000000
SigBlk:	0000000000000000
SigIgn:	0000000000000006
SigCgt:	0000000000000000
CapInh:	0000000000000000
CapPrm:	000001ffffffffff
CapEff:	000001ffffffffff
CapBnd:	000001ffffffffff
CapAmb:	0000000000000000
NoNewPrivs:	1
Seccomp:	0
Seccomp_filters:	0
Speculation_Store_Bypass:	vulnerable
Cpus_allowed_list:	0-1
voluntary_ctxt_switches:	1
nonvoluntary_ctxt_switches:	1
`;

/** Linux 4.18, written after its fs/proc/array.c: nginx in Docker, default capabilities and seccomp filter. */
const nginx418 = `Name:	nginx
Umask:	0022
State:	S (sleeping)
Tgid:	4711
Ngid:	0
Pid:	4711
PPid:	4690
TracerPid:	0
Uid:	101	101	101	101
Gid:	101	101	101	101
FDSize:	64
Groups:	101 
NStgid:	4711	1
NSpid:	4711	1
NSpgid:	4711	1
NSsid:	4711	1
VmPeak:	   10648 kB
VmSize:	   10648 kB
VmRSS:	    5120 kB
RssAnon:	     512 kB
RssFile:	    4608 kB
RssShmem:	       4 kB
VmSwap:	      16 kB
Threads:	1
SigQ:	0/15432
SigPnd:	0000000000000000
ShdPnd:	0000000000004000
SigBlk:	0000000000000000
SigIgn:	0000000040001000
SigCgt:	0000000198016a07
CapInh:	00000000a80425fb
CapPrm:	0000000000000000
CapEff:	0000000000000000
CapBnd:	00000000a80425fb
CapAmb:	0000000000000000
NoNewPrivs:	0
Seccomp:	2
Speculation_Store_Bypass:	vulnerable
`;

/** Linux 3.10: no NSpid, no Rss* split, no NoNewPrivs; all 64 bits of the bounding set. */
const old310 = `Name:	sshd
State:	S (sleeping)
Tgid:	900
Pid:	900
PPid:	1
Uid:	0	0	0	0
Gid:	0	0	0	0
FDSize:	64
Groups:	
VmRSS:	    4096 kB
Threads:	1
SigBlk:	0000000000000000
SigIgn:	0000000000001000
SigCgt:	0000000180014005
CapBnd:	ffffffffffffffff
Seccomp:	0
`;

test('PID 1 of a container: both pids, no handlers, all capabilities of its user namespace', () => {
  const status = parseStatus(init618);
  expect(status).toMatchObject({
    name: 'sleep',
    state: 'S',
    pid: 26838,
    parent: 26836,
    namespacePids: [26838, 1],
    threads: 1,
    uid: { real: 0, effective: 0, saved: 0, filesystem: 0 },
    signals: { pending: [], sharedPending: [], blocked: [], ignored: [2, 3], caught: [] },
    noNewPrivileges: true,
    seccomp: { present: true, value: 0 },
    memory: {
      present: true,
      value: {
        resident: 1784 * 1024,
        residentAnonymous: 108 * 1024,
        residentFile: 1676 * 1024,
        pageTables: 44 * 1024,
      },
    },
  });
  expect(status?.capabilities.effective).toEqual(Array.from({ length: 41 }, (_, number) => number));
});

test('4.18: Docker defaults', () => {
  expect(parseStatus(nginx418)).toMatchObject({
    uid: { effective: 101 },
    signals: {
      sharedPending: [15],
      ignored: [13, 31],
      caught: [1, 2, 3, 10, 12, 14, 15, 17, 28, 29, 32, 33],
    },
    capabilities: {
      effective: [],
      bounding: [0, 1, 3, 4, 5, 6, 7, 8, 10, 13, 18, 27, 29, 31],
    },
    noNewPrivileges: false,
    seccomp: { value: 2 },
    memory: { value: { residentShared: 4096, swapped: 16 * 1024 } },
  });
});

test('3.10: what it does not say is not made up', () => {
  const status = parseStatus(old310);
  expect(status?.namespacePids).toEqual([]);
  expect(status?.memory).toMatchObject({ present: false, because: 'kernel-too-old' });
  expect(status?.capabilities.bounding).toHaveLength(64);
});

test('a zombie has no memory', () => {
  const zombie = init618.replace('S (sleeping)', 'Z (zombie)').replace(/^(Vm|Rss|Hugetlb).*\n/gm, '');
  expect(parseStatus(zombie)).toMatchObject({ state: 'Z', memory: { present: false, because: 'vanished' } });
});

test.each([
  ['q) R 1\\n(\\\\y 2', 'q) R 1\n(\\y 2'],
  ['a\\nUid:\\t0', 'a\nUid:\\t0'],
  [' leading', 'leading'],
  ['', ''],
])('a hostile name %j cannot forge a line', (written, name) => {
  const status = parseStatus(nginx418.replace('Name:	nginx', `Name:	${written}`));
  expect(status).toMatchObject({ name, uid: { real: 101 } });
});

test('the first of two lines counts', () => {
  expect(parseStatus(`${nginx418}Uid:	0	0	0	0\n`)?.uid.real).toBe(101);
});

test('unknown lines do no harm; cut short it is not a status', () => {
  expect(parseStatus(`${init618}x86_Thread_features:	shstk\nNewThing: a b: c\n`)).toEqual(
    parseStatus(init618),
  );
  expect(parseStatus('')).toBeUndefined();
  expect(parseStatus(init618.slice(0, 120))).toBeUndefined();
});

test.each<[string | undefined, 0 | 1, readonly number[] | undefined]>([
  ['0000000000004000', 1, [15]],
  ['8000000000000001', 1, [1, 64]],
  ['0', 0, []],
  ['1fffeffffff', 0, [...Array(24).keys(), ...Array.from({ length: 16 }, (_, bit) => bit + 25)]],
  ['', 0, undefined],
  ['0x10', 0, undefined],
  [undefined, 0, undefined],
])('mask %s from %i', (text, lowest, numbers) => {
  expect(parseMask(text, lowest)).toEqual(numbers);
});

test.each([
  ['Cpus_allowed:\t3\nCpus_allowed_list:\t0-1\nMems_allowed:\t1\n', [0, 1]],
  ['Cpus_allowed_list:\t0-2,8\n', [0, 1, 2, 8]],
  ['Cpus_allowed_list:\t', undefined],
  ['Cpus_allowed_list:\t3-1\n', undefined],
  ['Name:\tCpus_allowed_list:\\n0\n', undefined],
  ['', undefined],
])('allowed CPUs of %j', (text, expected) => {
  expect(parseAllowedCpus(text)).toEqual(expected);
});
