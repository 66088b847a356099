import { width } from './layout.ts';

/** Scripts that are written without spaces and may be broken between any two characters. */
const wide = /[\u2e80-\u303e\u3041-\u4dbf\u4e00-\u9fff\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/;
/** Punctuation that must not begin a line, and that must not end one. */
const closing = /[、。，．：；？！）】》」』”’…％]/;
const opening = /[（【《「『“‘]/;

interface Piece {
  readonly text: string;
  readonly afterSpace: boolean;
}

/** What stays together: words, and in Chinese single characters with their punctuation. */
function piecesOf(text: string): readonly Piece[] {
  return text
    .split(' ')
    .filter(word => word !== '')
    .flatMap(word => {
      const parts: string[] = [];
      let previous = '';
      for (const character of word) {
        const mayBreak =
          (wide.test(previous) || wide.test(character)) &&
          !closing.test(character) &&
          !opening.test(previous) &&
          previous !== '';
        if (mayBreak || parts.length === 0) parts.push(character);
        else parts[parts.length - 1] += character;
        previous = character;
      }
      return parts.map((part, index) => ({ text: part, afterSpace: index === 0 }));
    });
}

/** Fills lines with a paragraph, Chinese or English; the lines after the first begin with `hanging`. */
export function fill(text: string, cells: number, indent = '', hanging = indent): string {
  const lines: string[] = [];
  let line = indent;
  let used = width(indent);
  let isEmpty = true;
  for (const piece of piecesOf(text)) {
    const space = piece.afterSpace && !isEmpty ? ' ' : '';
    const needed = space.length + width(piece.text);
    if (!isEmpty && used + needed > cells) {
      lines.push(line);
      line = hanging + piece.text;
      used = width(line);
    } else {
      line += space + piece.text;
      used += needed;
    }
    isEmpty = false;
  }
  return [...lines, line].join('\n');
}

/** One paragraph of lines that an editor broke: Chinese goes on without a space. */
export const unbroken = (lines: readonly string[]): string =>
  lines.reduce((text, line) => {
    const next = line.trim();
    const joint = wide.test(text.at(-1) ?? ' ') || wide.test(next[0] ?? ' ') ? '' : ' ';
    return text === '' ? next : text + joint + next;
  }, '');
