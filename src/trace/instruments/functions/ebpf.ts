import { openFunctionTypes } from '../../../linux/bpf/function-types.ts';
import type { BpfObject } from '../../../linux/bpf/object.ts';
import { flatMapReading, present, type Reading } from '../../../linux/reading.ts';
import { encodeDuration, parseDuration } from '../../duration.ts';
import { type Gatherer, runEbpf } from '../../ebpf.ts';
import type { TraceRun } from '../../instrument.ts';
import { openStackReader } from '../../stacks.ts';
import { type ChosenFunction, chooseHere } from './choose.ts';
import { byFunction, decodeEvent, decodeGoingOn, decodeNode, type SlowCall, treeOf } from './decode.ts';
import type { FunctionsResult, SlowFunction } from './result.ts';

export async function runByEbpf(
  run: TraceRun<FunctionsResult>,
  longer: string,
): Promise<Reading<FunctionsResult>> {
  const choice = chooseHere(run.files, run.options.function);
  if (!choice.present) return choice;
  const { chosen } = choice.value;
  const leftOut = [...choice.value.leftOut];
  return runEbpf(run, {
    object: new URL('./functions.bpf.o', import.meta.url),
    attach: [],
    constants: { limits: encodeDuration(longer) },
    // Of the slow calls alone.
    entries: { stacks: 2048 },
    attachMore: object =>
      attachAll(object, chosen, (name, because) => leftOut.push({ function: name, because })),
    gather: object => gather(run, object, chosen, leftOut, parseDuration(longer) ?? 0),
  });
}

/** Absent when none can be attached to, with the reason of the last; else those that cannot are told. */
function attachAll(
  object: BpfObject,
  chosen: readonly ChosenFunction[],
  leaveOut: (name: string, because: string) => void,
): Reading<unknown> {
  return flatMapReading(openFunctionTypes(), types => {
    let attached = 0;
    let failure: Reading<never> | undefined;
    for (const [number, { name, module }] of chosen.entries()) {
      const type = types.find(name, module);
      if (type === undefined) {
        leaveOut(name, "the kernel's type information (BTF) does not know it");
        continue;
      }
      // The end first: of a call whose begin was seen, the end has to be.
      const end = object.attachToFunction('on_return', 'end', type, number);
      const both = end.present ? object.attachToFunction('on_call', 'begin', type, number) : end;
      if (both.present) attached += 1;
      else {
        failure = both;
        leaveOut(name, both.remedy);
      }
    }
    types.close();
    return attached === 0 && failure !== undefined ? failure : present(attached);
  });
}

const mostSlow = 200;
const mostFunctionRows = 200;

function gather(
  run: TraceRun<FunctionsResult>,
  object: BpfObject,
  chosen: readonly ChosenFunction[],
  leftOut: FunctionsResult['leftOut'],
  limitUs: number,
): Gatherer<FunctionsResult> {
  const nodes = object.map('nodes');
  const open = object.map('going_on');
  const stacks = openStackReader(run.files, object.map('stacks'));
  const nameOf = (number: number): string => chosen[number]?.name ?? '?';
  let slow: SlowCall[] = [];
  const keepLongest = (atMost: number): void => {
    slow = slow.sort((a, b) => b.us - a.us).slice(0, atMost);
  };
  const look = () => ({
    calls: nodes.all().map(([key, value]) => decodeNode(key, value, nameOf)),
    goingOn: goingOn(open.all(), limitUs, nameOf),
  });
  let last: ReturnType<typeof look> | undefined;
  return {
    event: bytes => {
      // While they are taken off, one after the other, begins and ends no longer fit together.
      if (last !== undefined) return;
      slow.push(decodeEvent(bytes));
      if (slow.length >= 4 * mostSlow) keepLongest(mostSlow);
    },
    ended: () => {
      last = look();
    },
    result: base => {
      const { calls, goingOn } = last ?? look();
      keepLongest(mostSlow);
      return {
        ...base,
        limitUs,
        watched: chosen.filter(({ name }) => !leftOut.some(each => each.function === name)).length,
        leftOut,
        total: calls.reduce((sum, { row }) => sum + row.slow, 0),
        functions: byFunction(calls, mostFunctionRows),
        tree: treeOf(calls),
        slow: slow.map(
          ({ stack, function: number, ...call }): SlowFunction => ({
            ...call,
            function: nameOf(number),
            callers: callersOf(stacks.kernelFramesOf(stack), nameOf(number)),
          }),
        ),
        goingOn,
      };
    },
  };
}

/**
 * The innermost first, without what watches: the programs, and the detour by which a watched function is called from its own
 * first instruction, so that it is on the stack a second time behind the detour.
 */
function callersOf(stack: readonly string[], name: string): readonly string[] {
  const callers: string[] = [];
  let detour = true;
  for (const frame of stack.toReversed()) {
    if (/^(bpf_(trampoline|prog)_|ftrace_trampoline$)/.test(frame)) {
      detour = true;
      continue;
    }
    if (!detour || frame !== (callers.at(-1) ?? name)) callers.push(frame);
    detour = false;
  }
  return callers;
}

function goingOn(
  entries: readonly (readonly [Buffer, Buffer])[],
  limitUs: number,
  nameOf: (number: number) => string,
): FunctionsResult['goingOn'] {
  const now = process.hrtime.bigint();
  return entries.flatMap(([key, value]) => {
    const call = decodeGoingOn(value);
    // The upper half of the key tells an interrupt, which goes on for no time that could be seen from here.
    if (call === undefined || key.readUInt32LE(4) !== 0) return [];
    const us = Number(now - call.began) / 1000;
    return us < limitUs
      ? []
      : [{ function: nameOf(call.function), us: Math.round(us), thread: key.readUInt32LE(0) }];
  });
}
