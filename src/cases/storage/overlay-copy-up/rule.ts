import type { RuleOf } from '../../../diagnose/case.ts';
import { ioWaitOf } from '../../../diagnose/io.ts';
import { type Evidence, type Fix, found, ruledOut, type Severity } from '../../../diagnose/verdict.ts';
import { sayBytes, sayCount } from '../../../diagnose/wording.ts';
import type { CopiedFile, CopiedUp } from '../../../observe/copied-up.ts';
import type { definition } from './case.ts';

const MiB = 2 ** 20;
/** In the window: less is what every program does with its configuration. */
const notable = MiB;
/** Enough for whoever waits for the first write, or pays for the disk. */
const much = 64 * MiB;
/** Of the time: then the copies are what it waits for. */
const waits = 0.3;

/**
 * Found: files that a lower layer has were made anew in the upper one during the window, with all their data. Earlier
 * copies are told as a notice when they are large: they cost room, but no time any more.
 */
export const rule: RuleOf<typeof definition> = facts => {
  const overlays = facts.copiedUp.toSorted(
    (a, b) => b.inWindow.bytes - a.inWindow.bytes || b.bytes - a.bytes,
  );
  const [worst] = overlays;
  if (worst === undefined)
    return ruledOut({
      claim: 'It has no overlay whose directories the host can see',
      source: '/proc/<pid>/mountinfo, upperdir=',
      observed: 'none',
    });
  const recent = worst.inWindow.bytes >= notable;
  if (!recent && worst.bytes < much) return ruledOut(...quiet(worst));
  const wait = ioWaitOf(facts);
  const [largest] = worst.files;
  const severity: Severity =
    recent && (worst.inWindow.bytes >= much || wait.share >= waits) ? 'warning' : 'notice';
  return found({
    severity,
    certainty: 'proved',
    summary: `${recent ? `In the window ${sayCount(worst.inWindow.files, 'file')} with ${sayBytes(worst.inWindow.bytes)} ${worst.inWindow.files === 1 ? 'was' : 'were'} copied from the image to the writable layer` : `${sayBytes(worst.bytes)} of files of the image were copied to the writable layer earlier`}${largest === undefined ? '' : `, the largest ${largest.path} (${sayBytes(largest.allocated)}, from layer ${largest.depth} of ${worst.layers})`}. An overlay has no blocks of its own: who opens such a file to write, changes its mode or its owner waits until all of it is copied, though only a byte is changed, and it is on the disk twice from then on.`,
    evidence: [
      ...worst.files.slice(0, 4).map(fileEvidence(worst)),
      {
        claim: `Copied up in all${worst.complete ? '' : ', at least'}`,
        source: `${worst.upper}, files that a lower layer has`,
        observed: `${worst.bytes} bytes`,
      },
      ...lookupEvidence(worst),
      ...(recent ? wait.evidence.slice(0, 1) : []),
    ],
    excluded: [
      {
        claim: 'Not new files: a lower layer has the same name',
        source: 'lowerdir= in /proc/1/mountinfo',
        observed: `found in ${sayCount(worst.layers, 'layer')}`,
      },
    ],
    fixes: fixesFor(largest),
  });
};

const fileEvidence =
  ({ upper, mountPoint }: CopiedUp) =>
  ({ path, allocated, copiedAt, inWindow }: CopiedFile): Evidence => ({
    claim: inWindow ? 'Copied up in the window' : 'Copied up earlier',
    source: `stat ${upper}${mountPoint === '/' ? path : path.slice(mountPoint.length)} (birth)`,
    observed: `${path}, ${allocated} bytes, ${copiedAt}`,
  });

/** Measured here and now, so that "many layers" is a figure: what an open, a require or an import pays for each miss. */
const lookupEvidence = ({ mountPoint, layers, lookups }: CopiedUp): readonly Evidence[] =>
  lookups === undefined
    ? []
    : [
        {
          claim: `A name that is in none of ${sayCount(layers, 'layer')} and the upper one, first and again`,
          source: `lstat of 24 names in ${mountPoint}, the middle`,
          observed: `${lookups.first} µs, ${lookups.again} µs`,
        },
      ];

const quiet = (overlay: CopiedUp): readonly Evidence[] => [
  {
    claim: 'Copied up in the window',
    source: `${overlay.upper}, files that a lower layer has`,
    observed: `${overlay.inWindow.bytes} bytes`,
  },
  {
    claim: `Copied up in all, of ${sayCount(overlay.layers, 'layer')}`,
    source: overlay.upper,
    observed: `${sayBytes(overlay.bytes)} in files of 1 MiB and more`,
  },
  ...lookupEvidence(overlay),
];

function fixesFor(largest: CopiedFile | undefined): readonly Fix[] {
  const directory = largest?.path.slice(0, Math.max(1, largest.path.lastIndexOf('/'))) ?? '/data';
  return [
    {
      action: `Keep what is written in a volume: mount one at ${directory}`,
      effect: 'Writes change blocks in place; nothing is copied, nothing is there twice',
      risk: 'Docker fills an empty named volume from the image once: that is one copy, at the first start',
    },
    {
      action:
        'Do not change owners or modes of image files at start (chown -R, chmod -R in an entrypoint): do it in the Dockerfile’s COPY --chown',
      effect: 'Such changes copy whole files too, unless the overlay is mounted with metacopy=on',
      risk: 'The image has to be built again',
    },
    {
      action: 'Write small changes to small files of their own (a log, a journal, a configuration directory)',
      effect: 'Large files of the image stay shared by all containers, also in the page cache',
      risk: 'Work for its authors',
    },
  ];
}
