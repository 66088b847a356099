import { parseCount } from '../units.ts';

/**
 * A line of devices.list (Documentation/admin-guide/cgroup-v1/devices.rst): `c 1:3 rwm`, `b *:* m`, and
 * `a *:* rwm` where nothing is forbidden. What an ancestor forbids is missing here too. cgroup v2 has no such file:
 * there an eBPF program decides.
 */
export interface DeviceRule {
  readonly type: 'all' | 'block' | 'character';
  /** null is `*`. */
  readonly major: number | null;
  readonly minor: number | null;
  readonly read: boolean;
  readonly write: boolean;
  /** mknod(2). */
  readonly make: boolean;
}

const types: Readonly<Record<string, DeviceRule['type']>> = { a: 'all', b: 'block', c: 'character' };

export function parseDevicesList(text: string): readonly DeviceRule[] | undefined {
  const rules: DeviceRule[] = [];
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const match = /^([abc]) (\*|\d+):(\*|\d+) ([rwm]+)$/.exec(line);
    const type = types[match?.[1] ?? ''];
    const access = match?.[4];
    if (type === undefined || access === undefined) return undefined;
    rules.push({
      type,
      major: parseCount(match?.[2]) ?? null,
      minor: parseCount(match?.[3]) ?? null,
      read: access.includes('r'),
      write: access.includes('w'),
      make: access.includes('m'),
    });
  }
  return rules;
}

export interface DeviceNumber {
  readonly type: 'block' | 'character';
  readonly major: number;
  readonly minor: number;
}

/** Whether open(2) of such a node for reading or writing passes the devices cgroup. */
export const mayOpen = (rules: readonly DeviceRule[], device: DeviceNumber): boolean =>
  rules.some(
    rule =>
      (rule.read || rule.write) &&
      (rule.type === 'all' || rule.type === device.type) &&
      (rule.major === null || rule.major === device.major) &&
      (rule.minor === null || rule.minor === device.minor),
  );

/** Whether some block device may be both made by mknod(2) and opened: a disk is in reach without a node for it. */
export const mayMakeDisks = (rules: readonly DeviceRule[]): boolean =>
  rules.some(({ type }) => type === 'all') ||
  (rules.some(rule => rule.type === 'block' && rule.make) &&
    rules.some(rule => rule.type === 'block' && (rule.read || rule.write)));
