import type { Case } from '../../diagnose/case.ts';
import type { Evidence, Fix, Found } from '../../diagnose/verdict.ts';
import type { Paint } from './colour.ts';
import { padEnd, shorten, width, wrap } from './layout.ts';
import { printable } from './printable.ts';

export interface Page {
  readonly width: number;
  readonly paint: Paint;
}

const severityStyle = {
  critical: ['bold', 'red'],
  warning: ['bold', 'yellow'],
  notice: ['bold', 'cyan'],
} as const;
const indent = '  ';

/** One finding as in UX: what, why, evidence by hand, what it is not, what to do, where to go on. */
export function formatFinding(definition: Case, finding: Found, container: string, page: Page): string {
  const label = padEnd(finding.severity.toUpperCase(), 9);
  const heading = `${page.paint([...severityStyle[finding.severity]], label)} ${page.paint('bold', definition.title.en)}`;
  const identity = `${definition.id}, ${finding.certainty}`;
  const gap = page.width - width(`${label} ${definition.title.en}`) - width(identity);
  const lines = [
    gap >= 2
      ? `${heading}${' '.repeat(gap)}${page.paint('dim', identity)}`
      : `${heading}\n${indent}${page.paint('dim', identity)}`,
    wrap(printable(finding.summary), page.width, indent),
    ...finding.evidence.map(evidence => formatEvidence(evidence, page)),
    ...formatExcluded(finding.excluded, page),
    ...finding.fixes.flatMap((fix, index) => formatFix(fix, index, page)),
    pointer('See it', `glassbox lab run ${definition.id}`),
    ...(finding.trace === null
      ? []
      : [pointer('Inside', `glassbox trace ${finding.trace} ${printable(container)}`)]),
    pointer('Read', `glassbox explain ${definition.id}`),
  ];
  return lines.join('\n');
}

/** Claim and raw value on the left, the file on the right; on two lines when they do not fit. */
function formatEvidence({ claim, source, observed }: Evidence, page: Page): string {
  const left = `${indent}${padEnd(printable(claim), 22)} ${printable(observed)}`;
  const from = printable(source);
  const room = page.width - width(left) - 2;
  if (room >= 24) {
    const short = shorten(from, Math.min(room, 44));
    return `${left}${' '.repeat(page.width - width(left) - width(short))}${page.paint('dim', short)}`;
  }
  return `${wrap(`${printable(claim)}: ${printable(observed)}`, page.width, indent)}\n${indent}${indent}${page.paint('dim', from)}`;
}

const formatExcluded = (excluded: readonly Evidence[], page: Page): readonly string[] =>
  excluded.length === 0
    ? []
    : [
        wrap(
          excluded.map(({ claim, observed }) => `${printable(claim)} (${printable(observed)}).`).join(' '),
          page.width,
          indent,
        ),
      ];

function formatFix({ action, command, effect, risk }: Fix, index: number, page: Page): readonly string[] {
  const hanging = ' '.repeat(indent.length + labelCells);
  const under = (text: string): string => wrap(printable(text), page.width, hanging);
  const first =
    padEnd(`${indent}${index === 0 ? 'Fix' : 'or'}`, hanging.length) + under(action).slice(hanging.length);
  const consequence = under([effect, risk].filter(text => text !== '').join('; '));
  return command === undefined
    ? [first, page.paint('dim', consequence)]
    : [first, `${hanging}${page.paint('bold', printable(command))}`, page.paint('dim', consequence)];
}

const labelCells = 9;

const pointer = (label: string, command: string): string => `${indent}${label.padEnd(labelCells)}${command}`;
