import { painterFor } from './text/colour.ts';
import type { Page } from './text/finding.ts';
import { pageWidth } from './text/layout.ts';

export const page = (): Page => ({ width: pageWidth(process.stdout), paint: painterFor(process.stdout) });

export const print = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

export const printJson = (value: unknown): void => print(JSON.stringify(value, null, 2));
