import type { Page } from './finding.ts';

/**
 * A case's README for the terminal. The handbooks are written to be read as plain text, so only headings,
 * emphasis and code marks are taken off; what they say stays line by line.
 */
export function formatHandbook(markdown: string, { paint }: Page): string {
  let fenced = false;
  const lines = markdown
    .trimEnd()
    .split('\n')
    .flatMap(line => {
      if (line.startsWith('```')) {
        fenced = !fenced;
        return [];
      }
      if (fenced) return [`    ${line}`.trimEnd()];
      const heading = /^#+ (.*)$/.exec(line);
      if (heading?.[1] !== undefined) return [paint('bold', plain(heading[1]))];
      return [plain(line)];
    });
  return lines.join('\n');
}

const plain = (line: string): string =>
  line
    .replace(/\*\*([^*]+)\*\*/g, '$1')
    .replace(/`([^`]+)`/g, '$1')
    .replace(/\[([^\]]+)\]\(([^)]+)\)/g, '$1 ($2)');
