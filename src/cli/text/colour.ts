import { styleText } from 'node:util';

type Style = Parameters<typeof styleText>[0];

/** Colours only on a terminal and never with NO_COLOR; says nothing that the words do not. */
export type Paint = (style: Style, text: string) => string;

export const painterFor = (stream: { readonly isTTY?: boolean | undefined }): Paint =>
  stream.isTTY === true && (process.env.NO_COLOR ?? '') === '' && process.env.TERM !== 'dumb'
    ? (style, text) => styleText(style, text, { validateStream: false })
    : (_, text) => text;
