import { flatMapReading, parsed, present, type Reading } from '../reading.ts';
import { type CgroupDirectory, sinceKernel } from './directory.ts';
import { keyedCounts, parseSingleCount } from './flat-keyed.ts';
import type { FreezerSample } from './model.ts';

export function readFreezer(cgroup: CgroupDirectory): Reading<FreezerSample> {
  return cgroup.version === 'v1' ? readFreezerV1(cgroup) : readFreezerV2(cgroup);
}

/** The root has no state file: it cannot be frozen. */
function readFreezerV1(cgroup: CgroupDirectory): Reading<FreezerSample> {
  const text = cgroup.read('freezer.state');
  if (!text.present && cgroup.isRoot) return present({ state: 'thawed' });
  return flatMapReading(text, state => parsed('freezer.state', parseFreezerState(state)));
}

/** v1 freezer.state: `THAWED`, `FREEZING`, `FROZEN` (cgroup-v1/freezer-subsystem.rst). */
export function parseFreezerState(text: string): FreezerSample | undefined {
  const state = text.trim().toLowerCase();
  return state === 'thawed' || state === 'freezing' || state === 'frozen' ? { state } : undefined;
}

function readFreezerV2(cgroup: CgroupDirectory): Reading<FreezerSample> {
  const events = cgroup.read('cgroup.events');
  if (!events.present && cgroup.isRoot) return present({ state: 'thawed' });
  return flatMapReading(events, eventsText =>
    flatMapReading(sinceKernel(cgroup.read('cgroup.freeze'), 'Linux 5.2'), freezeText =>
      parsed('cgroup.freeze', parseCgroupFreeze(freezeText, eventsText)),
    ),
  );
}

/**
 * v2 cgroup.freeze is what was asked of this cgroup (`1`); cgroup.events `frozen 1` is reached when all of its
 * tasks have stopped, also because an ancestor is frozen (cgroup-v2.rst, Core Interface Files).
 */
export function parseCgroupFreeze(freezeText: string, eventsText: string): FreezerSample | undefined {
  const asked = parseSingleCount(freezeText);
  const { frozen } = eventCounts(eventsText);
  if (asked === undefined || frozen === undefined) return undefined;
  return { state: frozen === 1 ? 'frozen' : asked === 1 ? 'freezing' : 'thawed' };
}

const eventCounts = keyedCounts('frozen');
