import { painterFor } from './text/colour.ts';
import type { Page } from './text/finding.ts';
import { pageWidth } from './text/layout.ts';

export const page = (): Page => ({ width: pageWidth(process.stdout), paint: painterFor(process.stdout) });

export const print = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

export const printJson = (value: unknown): void => print(jsonText(value, 2));

/** JSON leaves raw what moves a cursor in eight bits (C1) or turns text around; escaped it means the same. */
export const jsonText = (value: unknown, indent: number): string =>
  JSON.stringify(value, null, indent).replace(/[\u007f-\u009f\p{Cf}\p{Zl}\p{Zp}]/gu, character =>
    [...Array(character.length).keys()].map(at => escapeUnit(character.charCodeAt(at))).join(''),
  );

const escapeUnit = (unit: number): string => `\\u${unit.toString(16).padStart(4, '0')}`;
