import { readFileSync } from 'node:fs';
import type { FrameKind, Profile, WeightUnit } from './stack.ts';
import { type FlameNode, mergeStacks } from './tree.ts';

/** Pixels. Without its script the picture is this wide; with it, as wide as the window. */
const page = { width: 1200, side: 10, top: 64, row: 18, bottom: 34, text: 12, letter: 7.2 } as const;
/** Narrower boxes cannot be seen, and a million of them would be a file that no browser opens. */
const narrowest = 0.1;

/** Light enough for black text (contrast above 7), apart also for those who do not see red or green. */
const palette: Readonly<Record<FrameKind, readonly string[]>> = {
  kernel: ['#f6a65f', '#f9b573', '#f4995a', '#fbbf85'],
  native: ['#f7d774', '#f9e08f', '#f3cd66', '#fbe69f'],
  jit: ['#8fd19a', '#a3dbac', '#84c98f', '#b2e2b9'],
  unknown: ['#cfcfcf', '#d8d8d8', '#c6c6c6', '#e0e0e0'],
  mark: ['#9ec9e8', '#b0d4ee', '#93c1e3', '#bddcf1'],
};

const legend: readonly (readonly [FrameKind, string])[] = [
  ['mark', 'process'],
  ['native', 'program, library'],
  ['jit', 'compiled at run time'],
  ['kernel', 'kernel'],
  ['unknown', 'unknown'],
];

/** A flame graph that works alone in a browser: hover, click to zoom, search. One file, nothing is loaded. */
export function toSvg(profile: Profile): string {
  const root = mergeStacks(profile.stacks);
  const boxes = layOut(root);
  const depth = Math.max(0, ...boxes.map(box => box.depth));
  const height = page.top + (depth + 1) * page.row + page.bottom;
  return `<?xml version="1.0" encoding="UTF-8"?>
<svg xmlns="http://www.w3.org/2000/svg" width="${page.width}" height="${height}" viewBox="0 0 ${page.width} ${height}" data-total="${root.weight}" data-unit="${profile.unit}" data-depth="${depth}">
<style>
text { font: ${page.text}px ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: #000; }
#title { font-size: 17px; font-weight: bold; }
#boxes g { cursor: pointer; }
#boxes g:hover rect { stroke: #000; stroke-width: 1; }
.found rect { fill: #c77dff; }
.faded { opacity: 0.45; }
.small { fill: #444; }
input { font: ${page.text}px ui-monospace, monospace; width: 210px; box-sizing: border-box; }
</style>
<rect id="paper" x="0" y="0" width="100%" height="100%" fill="#fff"/>
<text id="title" x="${page.side}" y="24">${escapeXml(profile.title)}</text>
${legendText()}
<text id="detail" x="${page.side}" y="${height - 12}"></text>
<text id="matched" x="${page.width - page.side}" y="${height - 12}" text-anchor="end" class="small"></text>
<foreignObject id="search" x="${page.width - page.side - 212}" y="8" width="212" height="24"><input xmlns="http://www.w3.org/1999/xhtml" type="search" placeholder="search ( / )" aria-label="search" spellcheck="false"/></foreignObject>
<g id="boxes">
${boxes.map(box => boxText(box, root.weight, profile.unit)).join('\n')}
</g>
<script><![CDATA[
${readFileSync(new URL('./interaction.js', import.meta.url), 'utf8')}]]></script>
</svg>
`;
}

interface Box {
  readonly node: FlameNode;
  readonly depth: number;
  /** Weight to the left of it. */
  readonly start: number;
}

/** Without recursion into what is too narrow; the script lays out again, from the same numbers. */
function layOut(root: FlameNode): readonly Box[] {
  const boxes: Box[] = [];
  const least = (root.weight * narrowest) / (page.width - 2 * page.side);
  const place = (node: FlameNode, depth: number, start: number): void => {
    boxes.push({ node, depth, start });
    let at = start;
    for (const child of node.children) {
      if (child.weight >= least) place(child, depth + 1, at);
      at += child.weight;
    }
  };
  place(root, 0, 0);
  return boxes;
}

function boxText({ node, depth, start }: Box, total: number, unit: WeightUnit): string {
  const scale = (page.width - 2 * page.side) / Math.max(1, total);
  const x = page.side + start * scale;
  const width = node.weight * scale;
  const y = page.top + depth * page.row;
  const { frame } = node;
  const share = ((100 * node.weight) / Math.max(1, total)).toFixed(2);
  const where =
    frame.kind === 'kernel' ? ' [kernel]' : frame.module === undefined ? '' : ` [${frame.module}]`;
  const about = `${frame.name}${where}: ${amount(node.weight, unit)}, ${share} %${node.self > 0 ? `; ${amount(node.self, unit)} in itself` : ''}`;
  const room = Math.floor((width - 6) / page.letter);
  const label = room < 3 ? '' : shortened(frame.name, room);
  return `<g data-s="${start}" data-w="${node.weight}" data-d="${depth}" data-n="${escapeXml(frame.name)}"><title>${escapeXml(about)}</title><rect x="${x.toFixed(1)}" y="${y}" width="${Math.max(0.2, width - 0.5).toFixed(1)}" height="${page.row - 1}" rx="1" fill="${colourOf(frame.kind, frame.name)}"/><text x="${(x + 3).toFixed(1)}" y="${y + 13}">${escapeXml(label)}</text></g>`;
}

const shortened = (text: string, room: number): string =>
  text.length <= room ? text : `${text.slice(0, room - 2)}..`;

const amount = (weight: number, unit: WeightUnit): string => {
  if (unit === 'samples') return `${weight} ${weight === 1 ? 'sample' : 'samples'}`;
  return weight >= 1000 ? `${(weight / 1000).toFixed(1)} ms` : `${Math.round(weight)} µs`;
};

/** The same function has the same colour in every picture. */
function colourOf(kind: FrameKind, name: string): string {
  let hash = 0;
  for (let index = 0; index < name.length; index += 1) hash = (hash * 31 + name.charCodeAt(index)) | 0;
  const colours = palette[kind];
  return colours[Math.abs(hash) % colours.length] ?? '#ffffff';
}

function legendText(): string {
  let x: number = page.side;
  return legend
    .map(([kind, says]) => {
      const here = x;
      x += 18 + says.length * page.letter + 16;
      return `<rect x="${here}" y="38" width="12" height="12" fill="${palette[kind][0]}"/><text class="small" x="${here + 17}" y="48">${says}</text>`;
    })
    .join('\n');
}

/** Names are chosen in the container: none of them becomes markup, and XML knows no control characters. */
function escapeXml(text: string): string {
  return text
    .replace(/[^\t\n\r\x20-\ud7ff\ue000-\ufffd]/g, '\ufffd')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
