import type { RuleOf } from '../../../diagnose/case.ts';
import { tracedBy } from '../../../diagnose/traced.ts';
import {
  type Evidence,
  type Fix,
  found,
  inconclusive,
  ruledOut,
  type Verdict,
} from '../../../diagnose/verdict.ts';
import { sayCount, sayTime } from '../../../diagnose/wording.ts';
import type { VirtualServices } from '../../../linux/net/ip_vs.ts';
import { microseconds } from '../../../linux/units.ts';
import type { SoftirqFunction } from '../../../trace/instruments/softirq/result.ts';
import type { definition, IpvsTimerFacts } from './case.ts';

/** A tick of most kernels: what holds a CPU for less is as good as nothing to a thread that waits for it. */
const noticeable = 4_000;
/** What answers within milliseconds misses that by this much. */
const harmful = 10_000;
/** From here on it is worth a look into the kernel: some 100 µs on small machines, many ms on large ones. */
const manyServices = 100;
const sysctl = 'net.ipv4.vs.run_estimation';

/**
 * Found: the timer was seen running in softirq, and for how long. How many services make it long depends on the number
 * of possible CPUs, whose counters it adds up for each service; so no number of services is a finding.
 */
export const rule: RuleOf<typeof definition> = facts => {
  const { virtualServices } = facts;
  const softirq = tracedBy(facts.traced, 'softirq');
  if (softirq.present) return judge(facts, softirq.value.functions);
  const services = virtualServices.present ? virtualServices.value.services : 0;
  if (services < manyServices || isSwitchedOff(facts)) return ruledOut(...servicesEvidence(facts));
  return inconclusive(softirq);
};

const isTimer = ({ name }: SoftirqFunction): boolean => name === 'estimation_timer';

function judge(facts: IpvsTimerFacts, functions: readonly SoftirqFunction[]): Verdict {
  const runs = functions.filter(isTimer);
  const longest = Math.max(0, ...runs.map(({ longestUs }) => longestUs));
  const count = runs.reduce((sum, run) => sum + run.count, 0);
  const total = runs.reduce((sum, run) => sum + run.us, 0);
  const traced: Evidence = {
    claim: `How long IPVS's timer held a CPU at most, in ${Math.round(facts.windowMs)} ms`,
    source: 'glassbox trace softirq: timer:timer_expire_entry, _exit',
    observed:
      count === 0
        ? 'estimation_timer did not run'
        : `estimation_timer ${count} times, longest ${sayTime(microseconds(longest))}, all ${sayTime(microseconds(total))}`,
  };
  if (longest < noticeable) return ruledOut(traced, ...servicesEvidence(facts));
  const own = runs.filter(({ whose }) => whose === 'container').reduce((sum, run) => sum + run.us, 0);
  const services = facts.virtualServices.present ? facts.virtualServices.value : undefined;
  return found({
    severity: longest >= harmful ? 'warning' : 'notice',
    certainty: own > 0 ? 'proved' : 'likely',
    summary: [
      `Every 2 s IPVS's estimation_timer walks all virtual services and, for each, the counters of all possible CPUs, in softirq: nothing else runs on that CPU meanwhile, ${sayTime(microseconds(longest))} at the longest.`,
      own > 0
        ? `${sayTime(microseconds(own))} of it were taken from threads of this container, and charged to it.`
        : 'It ran on CPUs that this container may use, while others had them.',
      services === undefined || services.services === 0
        ? ''
        : `${sayServices(services)} in the host's network.`,
    ]
      .filter(part => part !== '')
      .join(' '),
    evidence: [
      traced,
      ...(own > 0
        ? [
            {
              claim: 'CPU time that it took from threads of this container',
              source: 'glassbox trace softirq, charged to the container',
              observed: `+${sayTime(microseconds(own))}`,
            },
          ]
        : []),
      ...servicesEvidence(facts),
    ],
    excluded: [
      {
        claim: 'The longest of any other timer is shorter, or is told too',
        source: 'glassbox trace softirq',
        observed: longestOther(functions),
      },
    ],
    fixes: fixesFor(facts),
    trace: 'softirq',
  });
}

function longestOther(functions: readonly SoftirqFunction[]): string {
  const [other] = functions.filter(each => !isTimer(each)).toSorted((a, b) => b.longestUs - a.longestUs);
  return other === undefined ? 'none ran' : `${other.name} ${sayTime(microseconds(other.longestUs))}`;
}

const isSwitchedOff = ({ hostSysctls }: IpvsTimerFacts): boolean =>
  hostSysctls.present && hostSysctls.value[sysctl] === '0';

const sayServices = ({ services, destinations }: VirtualServices): string =>
  `${sayCount(services, 'service')} with ${sayCount(destinations, 'real server')}`;

function servicesEvidence({ virtualServices, hostSysctls }: IpvsTimerFacts): readonly Evidence[] {
  const value = hostSysctls.present ? hostSysctls.value[sysctl] : undefined;
  return [
    {
      claim: "Virtual services of IPVS in the host's network",
      source: '/proc/1/net/ip_vs',
      observed: virtualServices.present ? sayServices(virtualServices.value) : 'IPVS is not loaded',
    },
    ...(value === undefined
      ? []
      : [
          {
            claim: 'Whether it estimates rates',
            source: `/proc/sys/${sysctl.replaceAll('.', '/')}`,
            observed: value,
          },
        ]),
  ];
}

function fixesFor({ hostSysctls }: IpvsTimerFacts): readonly Fix[] {
  const canSwitchOff = hostSysctls.present && hostSysctls.value[sysctl] !== undefined;
  return [
    {
      action: 'Switch the estimation of rates off',
      ...(canSwitchOff ? { command: `sysctl -w ${sysctl}=0` } : {}),
      effect: 'The timer returns at once; packets are balanced and counted as before',
      risk: `ipvsadm --rate stands still. ${canSwitchOff ? 'In the network namespace that has the services' : 'This kernel lacks the switch: it came with Linux 5.15 and some older ones of distributions'}`,
    },
    {
      action: 'Run Linux 6.2 or newer',
      effect:
        'Kernel threads (ipvs-e:*) estimate, in slices that others may interrupt; net.ipv4.vs.est_cpulist places them',
      risk: 'A new kernel for the node',
    },
    {
      action: 'Have fewer services here: headless ones need none, and old ones may have been left behind',
      command: 'ipvsadm -Ln | grep -c -E "^(TCP|UDP|SCTP|FWM)"',
      effect: 'Its time grows with services × possible CPUs',
      risk: 'None in looking; kube-proxy makes again what it needs',
    },
  ];
}
