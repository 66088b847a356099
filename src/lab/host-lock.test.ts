import { expect, test } from 'vitest';
import { lockHost } from './host-lock.ts';

const address = `\0glassbox-test-${process.pid}`;

test('one at a time: the second waits until the first lets go', async () => {
  const first = await lockHost(address);
  const order: string[] = [];
  const second = lockHost(address).then(lock => {
    order.push('second has it');
    lock.release();
  });
  await expect(lockHost(address, 0)).rejects.toThrow(/another lab/);
  order.push('first lets go');
  first.release();
  await second;
  expect(order).toEqual(['first lets go', 'second has it']);
});
