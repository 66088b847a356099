import { causes } from '../../../diagnose/causes.ts';
import type { FactsByName } from '../../../diagnose/facts.ts';
import { type Used, usedDevice } from '../../../diagnose/outside.ts';
import { tracedBy } from '../../../diagnose/traced.ts';
import type { Evidence } from '../../../diagnose/verdict.ts';
import { capabilityName } from '../../../linux/capabilities.ts';
import { orElse, type Reading } from '../../../linux/reading.ts';
import type { IsolationFacts, ProcessFacts } from '../../../observe/observation.ts';
import type { CapabilitiesResult } from '../../../trace/instruments/capabilities/result.ts';

/** What else could stand between all capabilities and the host: open doors, and those that are shut. */
export function barriersOf(
  { pid, status }: ProcessFacts,
  { deviceRules, securityLabel }: IsolationFacts,
): { readonly open: readonly Evidence[]; readonly standing: readonly Evidence[] } {
  const open: Evidence[] = [];
  const standing: Evidence[] = [];
  if (status.seccomp.present) {
    const filtered = status.seccomp.value !== 0;
    (filtered ? standing : open).push({
      claim: filtered ? 'A seccomp filter may refuse some system calls' : 'No system call is filtered',
      source: `/proc/${pid}/status Seccomp`,
      observed: `${status.seccomp.value}`,
    });
  }
  if (deviceRules.present) {
    const all = deviceRules.value.some(rule => rule.type === 'all' && rule.major === null);
    (all ? open : standing).push({
      claim: all ? 'Every device may be made and opened' : 'The devices cgroup allows some devices only',
      source: 'devices.list of its devices cgroup',
      observed: all ? 'a *:* rwm' : `${deviceRules.value.length} rules`,
    });
  }
  if (securityLabel.present) {
    const confined = !/^unconfined/.test(securityLabel.value);
    (confined ? standing : open).push({
      claim: confined ? 'A security module may deny some of this' : 'No security module confines it',
      source: `/proc/${pid}/attr/current`,
      observed: securityLabel.value,
    });
  }
  return { open, standing };
}

export function usedPowers({
  init,
  isolation,
  openDevices,
  traced,
}: {
  readonly init: ProcessFacts;
  readonly isolation: IsolationFacts;
  readonly openDevices: Reading<FactsByName['openDevices']>;
  readonly traced: Reading<FactsByName['traced']>;
}): readonly Used[] {
  return [
    ...usedCapabilities(tracedBy(traced, 'capabilities')),
    ...orElse(openDevices, []).map(usedDevice),
    ...ownMounts(isolation, init),
  ];
}

function usedCapabilities(trace: Reading<CapabilitiesResult>): readonly Used[] {
  if (!trace.present || trace.value.used.length === 0) return [];
  const names = trace.value.used.map(number => `CAP_${capabilityName(number)}`);
  return [
    {
      what: names.join(', '),
      evidence: {
        claim: `Asked for and granted in ${trace.value.seconds.toFixed(1)} s`,
        source: 'tracepoint cap_capable',
        observed: names.join(' '),
      },
      causes: [causes.capabilities],
    },
  ];
}

/** A disk that is mounted in there and nowhere on the host: the container did it, or its engine for it. */
const ownMounts = ({ mounts, hostMounts }: IsolationFacts, { pid }: ProcessFacts): readonly Used[] =>
  mounts
    .filter(
      ({ source, mountPoint, device }) =>
        source.startsWith('/dev/') &&
        !device.startsWith('0:') &&
        mountPoint !== '/' &&
        !hostMounts.some(shared => shared.mountPoint === mountPoint),
    )
    .map(({ source, mountPoint, type }) => ({
      what: `${source} mounted on ${mountPoint}`,
      evidence: {
        claim: 'A disk that is mounted in there only',
        source: `/proc/${pid}/mountinfo`,
        observed: `${source} on ${mountPoint} ${type}`,
      },
      causes: [causes.capabilities],
    }));
