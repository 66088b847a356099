import type { Case } from '../../diagnose/case.ts';
import type { Evidence, Fix, Found } from '../../diagnose/verdict.ts';
import { isInstrument } from '../../trace/index.ts';
import type { Paint } from './colour.ts';
import { padEnd, shorten, width, wrap } from './layout.ts';
import { printable } from './printable.ts';

export interface Page {
  readonly width: number;
  readonly paint: Paint;
  /** Only the first fix of each finding, for somebody who looks on. */
  readonly brief?: boolean;
  /** Whose findings these are, for commands about it. */
  readonly container?: string;
  /** Cases that were found as well, and for which this finding speaks. */
  readonly covers?: readonly Case[];
}

const severityStyle = {
  critical: ['bold', 'red'],
  warning: ['bold', 'yellow'],
  notice: ['bold', 'cyan'],
} as const;
const indent = '  ';

/** One finding as in UX: what, why, evidence by hand, what it is not, what to do, where to go on. */
export function formatFinding(definition: Case, finding: Found, page: Page): string {
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
    ...(page.brief === true ? finding.fixes.slice(0, 1) : finding.fixes).flatMap((fix, index) =>
      formatFix(fix, index, page),
    ),
    ...coversOf(page),
    pointer('See it', `glassbox lab run ${definition.id}`),
    ...insideOf(finding, page),
    pointer('Read', `glassbox explain ${definition.id}`),
  ];
  return lines.join('\n');
}

/**
 * Claim, raw value, file: on one line when they fit, else the claim first and below it what anybody can read by
 * hand. A source may name the field behind the file (`/proc/4711/status SigCgt`): it then stands with the value.
 */
function formatEvidence({ claim, source, observed }: Evidence, page: Page): string {
  const [, file = source, fieldName = ''] = /^(\/\S*[^\s,:]) ([^/]+)$/.exec(source) ?? [];
  const value = printable(fieldName === '' ? observed : `${fieldName} ${observed}`);
  const from = printable(file);
  const oneLine = `${indent}${padEnd(printable(claim), 22)}  ${value}`;
  if (page.width - width(oneLine) - 2 >= Math.min(width(from), 20)) return beside(oneLine, from, page);
  const below = `${indent}${indent}${value}`;
  const lines =
    page.width - width(below) - 2 >= Math.min(width(from), 20)
      ? [beside(below, from, page)]
      : [wrap(value, page.width, `${indent}${indent}`), `${indent}${indent}${page.paint('dim', from)}`];
  return [wrap(printable(claim), page.width, indent), ...lines].join('\n');
}

/** The file at the right edge, its middle left out when the room is short: the end of a path tells most. */
function beside(left: string, file: string, page: Page): string {
  const short = shorten(file, page.width - width(left) - 2);
  return `${padEnd(left, page.width - width(short))}${page.paint('dim', short)}`;
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
  const consequence = under(
    [effect, risk]
      .filter(text => text !== '')
      .map(asSentence)
      .join(' '),
  );
  return command === undefined
    ? [first, page.paint('dim', consequence)]
    : [first, `${hanging}${page.paint('bold', printable(command))}`, page.paint('dim', consequence)];
}

const labelCells = 9;

const asSentence = (text: string): string => (/[.!?。]$/.test(text) ? text : `${text}.`);

/** A case may name an instrument before there is one: nobody is sent to what does not exist. */
const insideOf = ({ trace }: Found, { container }: Page): readonly string[] =>
  trace !== null && container !== undefined && isInstrument(trace)
    ? [pointer('Inside', `glassbox trace ${trace} ${printable(container)}`)]
    : [];

/** `Covers   security/root-is-host-root: Root inside is root of the host` */
const coversOf = ({ covers = [], width: columns }: Page): readonly string[] =>
  covers.map(({ id, title }, index) => {
    const hanging = ' '.repeat(indent.length + labelCells);
    const text = wrap(`${title.en} (${id})`, columns, hanging).slice(hanging.length);
    return `${indent}${(index === 0 ? 'Covers' : '').padEnd(labelCells)}${text}`;
  });

const pointer = (label: string, command: string): string => `${indent}${label.padEnd(labelCells)}${command}`;
