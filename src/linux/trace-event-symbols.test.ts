import { expect, test } from 'vitest';
import { parseEventSymbols } from './trace-event-symbols.ts';

const format = `name: kfree_skb
print fmt: "skbaddr=%p location=%pS reason: %s", REC->skbaddr, REC->location, __print_symbolic(REC->reason, { 2, "NOT_SPECIFIED" }, { 3, "NO_SOCKET" },{ 12, "NETFILTER_DROP" }), __print_symbolic(REC->other, { 3, "X" })
`;

test('the values of one field, with their names', () => {
  expect([...parseEventSymbols(format, 'reason')]).toEqual([
    [2, 'NOT_SPECIFIED'],
    [3, 'NO_SOCKET'],
    [12, 'NETFILTER_DROP'],
  ]);
  expect([...parseEventSymbols(format, 'other')]).toEqual([[3, 'X']]);
});

test('a field without names, an event before it had them, nothing', () => {
  expect(parseEventSymbols(format, 'location').size).toBe(0);
  expect(parseEventSymbols('print fmt: "skbaddr=%p", REC->skbaddr', 'reason').size).toBe(0);
  expect(parseEventSymbols('', 'reason').size).toBe(0);
});
