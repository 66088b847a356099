import type { Hop, WalkReport } from '../../diagnose/path/hops.ts';
import { sayDestination } from '../../diagnose/path/words.ts';
import type { Page } from './finding.ts';
import { padEnd, shorten, width, wrap } from './layout.ts';
import { printable } from './printable.ts';

const words: Readonly<Record<Hop['state'], string>> = { ok: 'ok', stop: 'STOP', unknown: '?', note: 'note' };
const placeCells = 22;

/** The way of a packet as a list of hops, there and back, and what came of it. */
export function formatWalk(name: string, report: WalkReport, page: Page): string {
  const { hops, destination, result } = report;
  const lines = (['out', 'back'] as const).flatMap(direction => {
    const its = hops.filter(hop => hop.direction === direction);
    return its.length === 0
      ? []
      : [
          page.paint('dim', direction === 'out' ? 'there' : 'back'),
          ...its.flatMap((hop, index) => formatHop(hop, its[index - 1], page)),
        ];
  });
  const { probed = [] } = report;
  const sent = probed.flatMap(({ sent: packets, came, state }) => {
    const head = `  ${padEnd(words[state], 4)}  `;
    return [
      `${head}${hanging(packets, width(head), page)}`,
      `${' '.repeat(width(head))}→ ${hanging(came, width(head) + 2, page)}`,
    ];
  });
  return [
    page.paint(
      'bold',
      wrap(`The way of a packet: ${printable(name)} → ${printable(sayDestination(destination))}`, page.width),
    ),
    ...lines,
    ...(sent.length === 0 ? [] : [page.paint('dim', 'sent by --probe'), ...sent]),
    page.paint('bold', wrap(printable(result), page.width)),
  ].join('\n');
}

/** Text that begins in this column and goes on below itself. */
const hanging = (text: string, column: number, page: Page): string =>
  wrap(printable(text), page.width, ' '.repeat(column)).slice(column);

/** `STOP  router (pid 71)   rules      drops, +28 packets: ip filter FORWARD …`; a place is named once. */
function formatHop(hop: Hop, before: Hop | undefined, page: Page): readonly string[] {
  const place = hop.place === before?.place ? '' : shorten(printable(hop.place), placeCells);
  const label = padEnd(words[hop.state], 4);
  const head = `  ${label}  ${padEnd(place, placeCells)}  ${padEnd(hop.what, 11)}  `;
  const text = hanging(hop.says, width(head), page);
  const painted = hop.state === 'stop' ? page.paint(['bold', 'red'], label) : label;
  return [`  ${painted}${head.slice(2 + label.length)}${text}`];
}
