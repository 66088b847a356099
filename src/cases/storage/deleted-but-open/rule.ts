import type { RuleOf } from '../../../diagnose/case.ts';
import { sayProgram } from '../../../diagnose/program.ts';
import { type Evidence, type Fix, found, ruledOut, severities } from '../../../diagnose/verdict.ts';
import { sayBytes, sayCount, sayShare } from '../../../diagnose/wording.ts';
import { orElse } from '../../../linux/reading.ts';
import type { definition } from './case.ts';
import { type HeldFile, type HeldSpace, heldFiles, heldSpaces } from './held.ts';
import { severityOf } from './severity.ts';

export const rule: RuleOf<typeof definition> = facts => {
  const { unlinkedFiles, processes, observedAt } = facts;
  const spaces = heldSpaces(heldFiles(unlinkedFiles, processes, observedAt));
  const judged = spaces
    .flatMap(space => {
      const severity = severityOf(space);
      return severity === undefined ? [] : [{ space, severity }];
    })
    .toSorted((a, b) => severities.indexOf(a.severity) - severities.indexOf(b.severity));
  const [worst] = judged;
  const [largest] = worst?.space.files ?? [];
  if (worst === undefined || largest === undefined) return ruledOut(quietEvidence(spaces));

  return found({
    severity: worst.severity,
    certainty: 'proved',
    summary: summaryOf(worst.space, largest, holderOf(largest, facts)),
    evidence: judged.flatMap(({ space }) => describe(space)),
    excluded: excludedBy(largest, spaces, worst.space),
    fixes: fixesFor(largest),
  });
};

type RuleFacts = Parameters<typeof rule>[0];
const shownFiles = 5;
const door = ({ file }: HeldFile): string => `/proc/${file.pid}/fd/${file.descriptor}`;

function holderOf({ file }: HeldFile, { processes }: RuleFacts): string {
  const holder = orElse(processes, []).find(({ pid }) => pid === file.pid);
  return holder === undefined ? `process ${file.pid}` : `process ${file.pid} (${sayProgram(holder)})`;
}

function summaryOf(space: HeldSpace, largest: HeldFile, holder: string): string {
  const { file, kind, stillWritten } = largest;
  const more = space.files.length - 1;
  const what = `${file.path} was deleted, but ${holder} has it open: its ${sayBytes(file.allocated)} stay allocated until the last descriptor is closed.`;
  const others =
    more > 0
      ? ` With ${sayCount(more, 'more such file')} that makes ${sayBytes(space.bytes)} on this file system.`
      : '';
  const share = space.filesystem.present
    ? ` That is ${sayShare(space.bytes / Math.max(1, space.filesystem.value.total))} of ${space.filesystem.value.mountPoint} (${space.filesystem.value.type}, ${sayBytes(space.filesystem.value.available)} available).`
    : '';
  const grows = stillWritten ? ' It still grows, and no log rotation will shorten it.' : '';
  const purpose =
    kind === 'scratch' ? ' It is open for reading too: perhaps scratch space, unlinked on purpose.' : '';
  return what + others + share + grows + purpose;
}

function describe(space: HeldSpace): readonly Evidence[] {
  const files = space.files.slice(0, shownFiles).map(held => ({
    claim: `${held.file.path}, kept by ${sayCount(held.holders.length, 'process', 'processes')}`,
    source: door(held),
    observed: `links 0, ${held.file.allocated / 512} blocks of 512 B`,
  }));
  if (!space.filesystem.present) return files;
  const { mountPoint, type, total, available } = space.filesystem.value;
  return [
    ...files,
    {
      claim: `Held without a name on ${mountPoint} (${type})`,
      source: `statfs ${mountPoint}`,
      observed: `${sayBytes(space.bytes)} of ${sayBytes(total)}, ${sayBytes(available)} available`,
    },
  ];
}

function quietEvidence(spaces: readonly HeldSpace[]): Evidence {
  const count = spaces.reduce((sum, { files }) => sum + files.length, 0);
  const held = spaces.reduce((sum, { bytes }) => sum + bytes, 0);
  return {
    claim:
      count === 0
        ? 'No process keeps a deleted file of 1 MiB or more on a disk'
        : `${sayCount(count, 'unlinked file')} of modest size, open for reading: scratch space`,
    source: '/proc/<pid>/fd',
    observed: count === 0 ? 'none' : `${held} bytes`,
  };
}

function excludedBy(
  { file, holders, kind }: HeldFile,
  spaces: readonly HeldSpace[],
  space: HeldSpace,
): readonly Evidence[] {
  const evidence: Evidence[] = [
    {
      claim: 'Not another name of a living file',
      source: `stat -L /proc/${file.pid}/fd/${file.descriptor}`,
      observed: 'links 0',
    },
  ];
  if (holders.length > 1)
    evidence.push({
      claim: `Counted once for its ${holders.length} processes: one inode`,
      source: holders.map(holder => `/proc/${holder.pid}/fd/${holder.descriptor}`).join(', '),
      observed: `inode ${file.inode}`,
    });
  if (kind === 'log')
    evidence.push({
      claim: file.openForReading
        ? 'Not scratch space: opened to append, as logs are'
        : 'Not scratch space: nobody can read it back',
      source: `/proc/${file.pid}/fdinfo/${file.descriptor} flags`,
      observed: `${file.openForReading ? 'O_RDWR' : 'O_WRONLY'}${file.appendOnly ? '|O_APPEND' : ''}`,
    });
  if (space.filesystem.present)
    evidence.push({
      claim: 'Not memory',
      source: space.filesystem.value.mountPoint,
      observed: space.filesystem.value.type,
    });
  const elsewhere = spaces.length - 1;
  if (elsewhere > 0)
    evidence.push({
      claim: `${sayCount(elsewhere, 'other file system')} counted apart`,
      source: '/proc/<pid>/fd',
      observed: spaces
        .filter(other => other !== space)
        .map(({ bytes }) => sayBytes(bytes))
        .join(', '),
    });
  return evidence;
}

function fixesFor(held: HeldFile): readonly Fix[] {
  const { file, kind } = held;
  const truncate: Fix = {
    action: 'Empty it through the descriptor, without a restart',
    command: `truncate -s 0 ${door(held)}`,
    effect: `Gives ${sayBytes(file.allocated)} back at once`,
    risk: `Its contents are gone: cp ${door(held)} keeps them${file.appendOnly ? '' : '; the program writes on at its old position: large in ls, but sparse'}`,
  };
  const reopen: Fix = {
    action:
      'Let it reopen its log (nginx: kill -USR1, most daemons: kill -HUP), and logrotate do so: postrotate, or copytruncate',
    effect: 'The last descriptor is closed, the blocks are freed, and it does not come back',
    risk: 'A program that does not know the signal may end',
  };
  const restart: Fix = {
    action: 'Restart the program that holds it',
    effect: 'The kernel frees the blocks with the last descriptor',
    risk: 'An interruption; scratch files are lost',
  };
  // Emptying scratch space or an old version of a data file would corrupt a running program.
  return kind === 'log' ? [truncate, reopen, restart] : [restart];
}
