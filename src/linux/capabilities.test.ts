import { expect, test } from 'vitest';
import { capabilityName, capabilityNumber, engineDefaultCapabilities } from './capabilities.ts';

test.each([
  [0, 'CHOWN'],
  [12, 'NET_ADMIN'],
  [21, 'SYS_ADMIN'],
  [24, 'SYS_RESOURCE'],
  [40, 'CHECKPOINT_RESTORE'],
  [41, '41'],
])('capability %d is %s', (number, name) => {
  expect(capabilityName(number)).toBe(name);
});

test('names are read back with and without the prefix', () => {
  expect([capabilityNumber('CAP_SYS_PTRACE'), capabilityNumber('bpf'), capabilityNumber('CAP_NONE')]).toEqual(
    [19, 39, undefined],
  );
});

test("the engines' default set is the mask a container without options shows", () => {
  const mask = engineDefaultCapabilities.reduce((sum, number) => sum | (1n << BigInt(number)), 0n);
  expect(mask.toString(16).padStart(16, '0')).toBe('00000000a80425fb');
});
