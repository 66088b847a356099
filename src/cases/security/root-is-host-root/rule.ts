import type { RuleOf } from '../../../diagnose/case.ts';
import { givenByHost } from '../../../diagnose/host-paths.ts';
import { type LeastMount, leastMounts } from '../../../diagnose/least-mounts.ts';
import { nothingSeen, sayUsed, type Used, usedDevice, usedMounts } from '../../../diagnose/outside.ts';
import { tracedBy } from '../../../diagnose/traced.ts';
import { type Evidence, found, ruledOut } from '../../../diagnose/verdict.ts';
import { findWaysOut, type WayOut } from '../../../diagnose/ways-out.ts';
import { sayCount } from '../../../diagnose/wording.ts';
import { engineDefaultCapabilities } from '../../../linux/capabilities.ts';
import { outsideId } from '../../../linux/proc/uid_map.ts';
import { orElse } from '../../../linux/reading.ts';
import type { IsolationFacts, ProcessFacts } from '../../../observe/observation.ts';
import type { definition } from './case.ts';
import { fixesFor } from './fixes.ts';

type RuleFacts = Parameters<typeof rule>[0];

export const rule: RuleOf<typeof definition> = facts => {
  const { container, init, isolation, processes } = facts;
  const map = mapEvidence(isolation, init);
  if (outsideId(isolation.uidMap, 0) !== 0) return ruledOut(map);
  const roots = [init, ...orElse(processes, [])].filter(isRoot);
  const root = roots[0];
  if (root === undefined) return ruledOut(...otherUser(init, orElse(processes, [init]).length));

  const ways = findWaysOut(facts, isolation, root);
  const used = usedOf(facts);
  const seen = facts.outsideUse.present && ways.length > 0 ? ` ${sayUsed(used)}` : '';
  return found({
    severity: ways.length > 0 ? 'warning' : 'notice',
    certainty: 'proved',
    summary: summaryOf(root.pid === init.pid, isolation, ways) + seen,
    evidence: [uidEvidence(root), map, ...[...ways, ...used].map(({ evidence }) => evidence)],
    excluded: excludedBy(isolation, root, ways),
    fixes: fixesFor(container, ways, leastMountsOf(facts), tracedBy(facts.traced, 'capabilities')),
    causes: ways.flatMap(({ causes }) => causes),
  });
};

/** What its root, and not another user in there, has open of the host. */
function usedOf({ init, isolation, processes, outsideUse, openDevices }: RuleFacts): readonly Used[] {
  const roots = new Set([init, ...orElse(processes, [])].filter(isRoot).map(({ pid }) => pid));
  const use = orElse(outsideUse, nothingSeen);
  const files = use.files.filter(({ pid }) => roots.has(pid));
  return [
    ...usedMounts({ ...use, files }, givenByHost(isolation.hostMounts)),
    ...orElse(openDevices, [])
      .filter(({ pid }) => roots.has(pid))
      .map(usedDevice),
  ];
}

/** Null where nobody looked which of them it writes to. */
const leastMountsOf = ({ isolation, outsideUse }: RuleFacts): readonly LeastMount[] | null =>
  outsideUse.present ? leastMounts(givenByHost(isolation.hostMounts), outsideUse.value.files) : null;

/** As the host numbers it: a process of a mapped user namespace shows its outside id here. */
const isRoot = ({ status }: ProcessFacts): boolean => status.uid.effective === 0;

function summaryOf(isInit: boolean, isolation: IsolationFacts, ways: readonly WayOut[]): string {
  const who = isInit ? 'PID 1 in there' : 'A process in there';
  const start = isolation.userNamespaceIsHost
    ? `${who} is uid 0, and without a user namespace that is the host's`
    : `${who} is uid 0 of the host: its user namespace maps root to root`;
  if (ways.length === 0)
    return `${start}. No way out was seen: no writable path of the host, no disk, no capability beyond an engine's defaults. A hole in the kernel or engine would still make it the host's root.`;
  const said = ways.slice(0, named).map(({ could }) => could);
  const more = ways.length - said.length;
  return `${start}: it could ${listed(more > 0 ? [...said, `leave in ${sayCount(more, 'more way')}`] : said)}.`;
}

/** The evidence has all of them. */
const named = 4;

const listed = (parts: readonly string[]): string =>
  parts.length < 2 ? parts.join() : `${parts.slice(0, -1).join('; ')}; and ${parts.at(-1)}`;

const uidEvidence = ({ pid, status }: ProcessFacts): Evidence => ({
  claim: 'The host sees the process as root',
  source: `/proc/${pid}/status Uid`,
  observed: `${status.uid.real} ${status.uid.effective} ${status.uid.saved} ${status.uid.filesystem}`,
});

function mapEvidence({ uidMap, userNamespaceIsHost }: IsolationFacts, { pid }: ProcessFacts): Evidence {
  const outside = outsideId(uidMap, 0);
  const means =
    outside === 0
      ? 'uid 0 inside is uid 0 outside'
      : `uid 0 inside is ${outside === null ? 'nobody' : `uid ${outside}`} outside`;
  return {
    claim: `${userNamespaceIsHost ? 'No' : 'A'} user namespace of its own: ${means}`,
    source: `/proc/${pid}/uid_map`,
    observed: uidMap.map(line => `${line.inside} ${line.outside} ${line.count}`).join(', ') || 'empty',
  };
}

function otherUser({ pid, status }: ProcessFacts, count: number): readonly Evidence[] {
  return [
    {
      claim: `None of its ${sayCount(count, 'process', 'processes')} is root`,
      source: `/proc/${pid}/status Uid`,
      observed: `${status.uid.real} ${status.uid.effective} ${status.uid.saved} ${status.uid.filesystem}`,
    },
    {
      claim: status.noNewPrivileges
        ? 'Setuid programs cannot make it root'
        : 'A setuid-root program in there would make it root',
      source: `/proc/${pid}/status NoNewPrivs`,
      observed: status.noNewPrivileges ? '1' : '0',
    },
  ];
}

/** What would have led out too and does not, so that a notice is not taken for a guess. */
function excludedBy(
  isolation: IsolationFacts,
  { pid, status }: ProcessFacts,
  ways: readonly WayOut[],
): readonly Evidence[] {
  const beyond = status.capabilities.effective.filter(number => !engineDefaultCapabilities.includes(number));
  const has = (remedy: WayOut['remedy']): boolean => ways.some(way => way.remedy === remedy);
  return [
    ...(has('mount')
      ? []
      : [
          {
            claim: 'No writable path of the host',
            source: `/proc/${pid}/mountinfo`,
            observed: `${isolation.mounts.length} mounts`,
          },
        ]),
    ...(has('device') ? [] : [deviceEvidence(isolation)]),
    ...(beyond.length > 0
      ? []
      : [
          {
            claim: "No capability beyond an engine's defaults",
            source: `/proc/${pid}/status CapEff`,
            observed: sayCount(status.capabilities.effective.length, 'capability', 'capabilities'),
          },
        ]),
    ...(isolation.securityLabel.present && !/^unconfined/.test(isolation.securityLabel.value)
      ? [
          {
            claim: 'A security module may deny some of this',
            source: `/proc/${pid}/attr/current`,
            observed: isolation.securityLabel.value,
          },
        ]
      : []),
  ];
}

const deviceEvidence = ({ deviceRules, hostDevices }: IsolationFacts): Evidence =>
  deviceRules.present
    ? {
        claim: 'No disk or memory device that it may open',
        source: 'devices.list of its devices cgroup',
        observed: sayCount(deviceRules.value.length, 'rule'),
      }
    : {
        claim: 'No node of a disk in its /dev; what it may make and open an eBPF program decides',
        source: deviceRules.what,
        observed: `${hostDevices.length} nodes`,
      };
