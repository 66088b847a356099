import type { RuleOf } from '../../../diagnose/case.ts';
import { storageOf } from '../../../diagnose/file-system.ts';
import { ioWaitOf, sayDevice, sleepsIn } from '../../../diagnose/io.ts';
import { sayProgram } from '../../../diagnose/program.ts';
import { type Evidence, found, inconclusive, ruledOut, type Severity } from '../../../diagnose/verdict.ts';
import { sayBytes, sayShare } from '../../../diagnose/wording.ts';
import { orElse } from '../../../linux/reading.ts';
import { bytes } from '../../../linux/units.ts';
import type { DiskFacts } from '../../../observe/disks.ts';
import type { definition } from './case.ts';
import { fixesFor } from './fixes.ts';

/** The only place where the kernel makes a writer of the page cache wait because too much of it is dirty. */
const channel = /^balance_dirty_pages/;
const often = 0.2;
/** One look may meet a pause of a few milliseconds that nobody notices. */
const leastLooks = 2;
const leastShare = 0.1;
/** Of the window in PSI; with less there is nothing to explain. */
const quiet = 0.05;

export const rule: RuleOf<typeof definition> = facts => {
  const { processes, windowMs } = facts;
  const stalls = sleepsIn(processes).filter(({ channel: name }) => channel.test(name));
  const [worst] = stalls;
  const wait = ioWaitOf({ ...facts, processes: { present: true, value: processes } });
  if (worst === undefined || worst.count < leastLooks || worst.share < leastShare) {
    const looked = processes.some(({ sleeps, io }) => sleeps !== undefined || io !== undefined);
    if (!looked && wait.share >= quiet)
      return inconclusive({
        what: 'where its tasks wait',
        because: 'needs-trace',
        remedy: 'glassbox diagnose looks at it again and again, for up to 64 processes',
      });
    return ruledOut(
      {
        claim: 'Its tasks were hardly ever made to wait for write-back',
        source: '/proc/<pid>/task/*/wchan, state D',
        observed:
          worst === undefined
            ? 'never in balance_dirty_pages'
            : `${worst.count} of ${worst.looks} looks in balance_dirty_pages`,
      },
      ...wait.evidence.slice(0, 1),
    );
  }
  const process = processes.find(({ pid }) => pid === worst.pid);
  const disk = slowestDisk(facts);
  const seconds = Math.max(0.001, windowMs / 1000);
  const written = process?.io === undefined ? undefined : process.io.last.written - process.io.first.written;
  const rate = (amount: number): string => `${sayBytes(bytes(Math.round(amount / seconds)))} per second`;
  return found({
    severity: severityOf(worst.share),
    certainty: 'proved',
    summary: `${process === undefined ? `Process ${worst.pid}` : sayProgram(process)} writes faster than the disk takes it${written === undefined ? '' : ` (${rate(written)} got through)`}. Too much of the page cache waits to be written back, so the kernel made it sleep in balance_dirty_pages: in ${worst.count} of ${worst.looks} looks.${disk === undefined ? '' : ` ${sayDevice(facts.host, disk.device)} wrote ${rate(disk.written)}${disk.facts.dirtyLimit === undefined ? '' : `, and may have ${sayBytes(disk.facts.dirtyLimit)} waiting`}.`} A write then takes as long as the disk needs, up to 200 ms each, where it took microseconds before.`,
    evidence: [
      {
        claim: 'The writer sleeps in balance_dirty_pages',
        source: `/proc/${worst.pid}/task/*/wchan, state D`,
        observed: `${worst.count} of ${worst.looks} looks`,
      },
      ...wait.evidence.slice(0, 1),
      ...hostEvidence(facts),
      ...(disk === undefined
        ? []
        : [
            {
              claim: `What ${sayDevice(facts.host, disk.device)} wrote in the window`,
              source: '/proc/diskstats, sectors written',
              observed: `+${disk.written} bytes`,
            },
          ]),
    ],
    excluded: [
      {
        claim: 'Not direct I/O or fsync: it only fills the page cache',
        source: `/proc/${worst.pid}/task/*/wchan`,
        observed: worst.channel,
      },
      ...(process?.sleeps?.reclaiming === undefined
        ? [
            {
              claim: 'Not reclaim of its own memory limit',
              source: '/proc/<pid>/stack',
              observed: 'not seen',
            },
          ]
        : []),
    ],
    fixes: fixesFor(disk?.device, disk?.facts),
    trace: 'writeback',
  });
};

type RuleFacts = Parameters<typeof rule>[0];

const severityOf = (share: number): Severity => (share >= often ? 'warning' : 'notice');

interface SlowDisk {
  readonly device: string;
  readonly facts: DiskFacts;
  readonly written: number;
}

/** Of the disks that it may write to, the one that wrote the most in the window. */
function slowestDisk({ fileSystems, host }: RuleFacts): SlowDisk | undefined {
  return orElse(fileSystems, [])
    .flatMap((fileSystem): SlowDisk[] => {
      const device = storageOf(fileSystem);
      const facts = host.disks?.[device];
      return facts === undefined
        ? []
        : [{ device, facts, written: facts.last.writtenBytes - facts.first.writtenBytes }];
    })
    .toSorted(
      (a, b) =>
        Number(b.facts.dirtyLimit !== undefined) - Number(a.facts.dirtyLimit !== undefined) ||
        b.written - a.written,
    )[0];
}

function hostEvidence({ host: { writeBack }, memory }: RuleFacts): readonly Evidence[] {
  const evidence: Evidence[] = [];
  const breakdown = memory.present ? orElse(memory.value.own.last.breakdown, undefined) : undefined;
  if (breakdown !== undefined)
    evidence.push({
      claim: 'Its own dirty pages, and those being written back',
      source: 'memory.stat (total_)dirty, (total_)writeback',
      observed: `${breakdown.dirty}, ${breakdown.writeback}`,
    });
  if (writeBack !== undefined)
    evidence.push({
      claim: `Dirty on the host: ${sayShare((writeBack.dirty + writeBack.writeBack) / Math.max(1, writeBack.threshold))} of its limit`,
      source: '/proc/vmstat nr_dirty, nr_writeback, nr_dirty_threshold',
      observed: `${writeBack.dirty} + ${writeBack.writeBack} of ${writeBack.threshold} pages`,
    });
  return evidence;
}
