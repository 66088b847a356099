import { type KernelFiles, readParsed } from '../files.ts';
import type { Reading } from '../reading.ts';
import { parseCount } from '../units.ts';
import type { ProcPid } from './process.ts';

/**
 * /proc/<pid>/mountinfo (proc(5)), one line:
 * `36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue`
 * Octal escapes (\040 space, \011, \012, \134) are undone.
 */
export interface Mount {
  readonly id: number;
  readonly parent: number;
  /** `major:minor` of st_dev. */
  readonly device: string;
  /** The part of the file system that is mounted. */
  readonly root: string;
  readonly mountPoint: string;
  readonly options: readonly string[];
  readonly type: string;
  readonly source: string;
  readonly superOptions: readonly string[];
}

/** `\040` → space: what seq_escape() of the kernel did to blanks, backslashes and a few more. */
export const unescapeOctal = (text: string): string =>
  text.replace(/\\([0-3][0-7]{2})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));

const splitOptions = (text: string): readonly string[] =>
  text === '' ? [] : text.split(',').map(unescapeOctal);

function parseMount(line: string): Mount | undefined {
  // Single blanks: a mount with an empty source leaves an empty field.
  const fields = line.split(' ');
  const separator = fields.indexOf('-', 6);
  const [idText, parentText, device, root, mountPoint, options] = fields;
  const [type, source, ...superOptions] = fields.slice(separator + 1);
  const id = parseCount(idText);
  const parent = parseCount(parentText);
  if (separator < 0 || id === undefined || parent === undefined || device === undefined) return undefined;
  if (root === undefined || mountPoint === undefined || options === undefined) return undefined;
  if (type === undefined || source === undefined) return undefined;
  return {
    id,
    parent,
    device,
    root: unescapeOctal(root),
    mountPoint: unescapeOctal(mountPoint),
    options: splitOptions(options),
    type: unescapeOctal(type),
    source: unescapeOctal(source),
    superOptions: splitOptions(superOptions.join(' ')),
  };
}

/** In the kernel's order: of two mounts on one point the later one is seen. Undefined when no line is a mount. */
export function parseMountinfo(text: string): readonly Mount[] | undefined {
  const lines = text.split('\n').filter(line => line !== '');
  const mounts = lines.map(parseMount).filter(mount => mount !== undefined);
  return lines.length > 0 && mounts.length === 0 ? undefined : mounts;
}

/** The mounts of the process's mount namespace below its root directory. */
export const readMountinfo = (files: KernelFiles, pid: ProcPid): Reading<readonly Mount[]> =>
  readParsed(files, `/proc/${pid}/mountinfo`, parseMountinfo);
