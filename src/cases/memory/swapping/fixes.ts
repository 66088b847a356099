import type { Container } from '../../../containers/container.ts';
import {
  type MemoryChain,
  type MemoryLevel,
  roomierLimit,
  sayLevel,
  setLimitCommand,
} from '../../../diagnose/memory-limit.ts';
import type { Fix } from '../../../diagnose/verdict.ts';
import { sayBytes, shellWord } from '../../../diagnose/wording.ts';
import { type Bytes, bytes } from '../../../linux/units.ts';

/** `cause` is the level whose limit drives pages out; undefined when it is the host that is short. */
export function fixesFor(
  container: Container,
  chain: MemoryChain,
  cause: MemoryLevel | undefined,
): readonly Fix[] {
  return [cause === undefined ? relieveHost : raise(container, chain, cause), ...forbid(container, chain)];
}

const relieveHost: Fix = {
  action: 'Give the host more memory, or move containers away; memory.low (v2) protects the important ones',
  effect: 'The kernel has no reason to take pages of this container',
  risk: 'What is protected here is taken from others',
};

function raise(container: Container, chain: MemoryChain, cause: MemoryLevel): Fix {
  const wanted = wantedLimit(cause);
  const { high, limit } = cause.last;
  const byHigh =
    high.present && high.value.kind === 'limit' && (limit.kind === 'max' || high.value.value < limit.value);
  const command = byHigh
    ? `echo ${wanted} > ${shellWord(`${cause.directory}/memory.high`)}`
    : setLimitCommand(container, chain, cause, wanted);
  const whose = container.pod === null ? sayLevel(chain, cause) : container.pod.container;
  return {
    action: `Raise ${byHigh ? 'memory.high' : 'the memory limit'} of ${whose} to ${sayBytes(wanted)}, or make the program need less`,
    ...(command === undefined ? {} : { command }),
    effect: 'What is in use fits with what is swapped out now; refaults stop after one round',
    risk: 'The host must have the memory',
  };
}

/** Room for what is in memory and what is in swap, and at least half as much again. */
function wantedLimit({ last }: MemoryLevel): Bytes {
  const limit = last.limit.kind === 'limit' ? last.limit.value : last.usage;
  const both = last.usage + (last.swap.present ? last.swap.value.usage : 0);
  return bytes(Math.max(roomierLimit(limit), roomierLimit(bytes(both / 1.25))));
}

/** For who would rather be restarted than be slow. */
function forbid({ pod }: Container, { own }: MemoryChain): readonly Fix[] {
  if (pod !== null) return [];
  const how =
    own.version === 'v1'
      ? 'memory.memsw.limit_in_bytes = memory.limit_in_bytes (docker: --memory-swap equal to --memory)'
      : 'memory.swap.max = 0 (docker: --memory-swap equal to --memory)';
  return [
    {
      action: `Or forbid it to swap, if it shall rather be killed than be slow: ${how}`,
      effect: 'It runs at the speed of memory, or is OOM-killed and restarted',
      risk: 'With the same need and the same limit it will be killed',
    },
  ];
}
