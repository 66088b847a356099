import type { RuleOf } from '../../../diagnose/case.ts';
import { causes } from '../../../diagnose/causes.ts';
import { leastPrivilege } from '../../../diagnose/least-privilege.ts';
import { sayUsed, type Used } from '../../../diagnose/outside.ts';
import { sayProgram } from '../../../diagnose/program.ts';
import { tracedBy } from '../../../diagnose/traced.ts';
import { type Evidence, type Fix, found, ruledOut } from '../../../diagnose/verdict.ts';
import { findWaysOut } from '../../../diagnose/ways-out.ts';
import { holdsAll, sayMask } from '../../../linux/capabilities.ts';
import { orElse } from '../../../linux/reading.ts';
import type { IsolationFacts, ProcessFacts } from '../../../observe/observation.ts';
import type { definition } from './case.ts';
import { barriersOf, usedPowers } from './powers.ts';

type RuleFacts = Parameters<typeof rule>[0];

export const rule: RuleOf<typeof definition> = facts => {
  const { init, isolation } = facts;
  if (!isolation.userNamespaceIsHost) return ruledOut(ownUserNamespace(init, isolation));
  const processes = [init, ...orElse(facts.processes, []).filter(({ pid }) => pid !== init.pid)];
  const ofHost = facts.host.capabilities;
  const holder = processes.find(({ status }) => holdsAll(status.capabilities.effective, ofHost));
  const heir = processes.find(process => mayGainAll(process, ofHost));
  const it = holder ?? heir;
  if (it === undefined) return ruledOut(...boundedEvidence(processes));

  const barriers = barriersOf(it, isolation);
  const used = usedPowers(facts);
  return found({
    severity: holder === undefined ? 'notice' : 'warning',
    certainty: 'proved',
    summary: holder === undefined ? summaryOfHeir(it) : summaryOfHolder(facts, holder, used),
    evidence: [
      holder === undefined ? boundingEvidence(it) : effectiveEvidence(it),
      ...barriers.open,
      ...(holder === undefined ? [] : waysOf(facts, holder)),
      ...used.map(({ evidence }) => evidence),
    ],
    excluded: barriers.standing,
    fixes: fixesFor(facts, used),
    causes: [causes.capabilities, ...grantsOf(facts, it)],
    trace: 'capabilities',
  });
};

/** A setuid-root program gives a process its bounding set, unless no_new_privs forbids gaining anything by exec. */
const mayGainAll = ({ status }: ProcessFacts, ofHost: readonly number[] | undefined): boolean =>
  holdsAll(status.capabilities.bounding, ofHost) &&
  !status.noNewPrivileges &&
  status.seccomp.present &&
  status.seccomp.value === 0;

/** What dropping the privilege takes back: devices and kernel files, too, but no mount. */
const grantsOf = (facts: RuleFacts, it: ProcessFacts): readonly string[] =>
  findWaysOut(facts, facts.isolation, it)
    .filter(({ remedy }) => remedy === 'device' || remedy === 'kernel-files')
    .flatMap(way => way.causes);

const waysOf = (facts: RuleFacts, holder: ProcessFacts): readonly Evidence[] =>
  findWaysOut(facts, facts.isolation, holder)
    .filter(({ remedy }) => remedy !== 'capability')
    .map(({ evidence }) => evidence);

/** The first ones say enough; all are in the evidence. */
const named = 3;

function summaryOfHolder(facts: RuleFacts, holder: ProcessFacts, used: readonly Used[]): string {
  const { effective } = holder.status.capabilities;
  const could = findWaysOut(facts, facts.isolation, holder).map(way => way.could);
  const unfiltered = holder.status.seccomp.present && holder.status.seccomp.value === 0;
  return `"${sayProgram(holder)}" holds all ${effective.length} capabilities in the host's own user namespace${unfiltered ? ', and no seccomp filter' : ''}: it could ${could.slice(0, named).join('; ')}${could.length > named ? '; and more' : ''}. ${sayUsed(used)}`;
}

const summaryOfHeir = (heir: ProcessFacts): string =>
  `"${sayProgram(heir)}" is not root, but nothing was dropped on the way to it: a setuid-root program in there, or one with file capabilities, gets all ${heir.status.capabilities.bounding.length} capabilities of the host.`;

const effectiveEvidence = ({ pid, status }: ProcessFacts): Evidence => ({
  claim: 'Every capability, of the host itself',
  source: `/proc/${pid}/status CapEff`,
  observed: sayMask(status.capabilities.effective),
});

const boundingEvidence = ({ pid, status }: ProcessFacts): Evidence => ({
  claim: 'An exec may give it every capability',
  source: `/proc/${pid}/status CapBnd, NoNewPrivs`,
  observed: `${sayMask(status.capabilities.bounding)}, ${status.noNewPrivileges ? 1 : 0}`,
});

const ownUserNamespace = ({ pid }: ProcessFacts, { uidMap }: IsolationFacts): Evidence => ({
  claim: 'Its capabilities end at a user namespace of its own',
  source: `/proc/${pid}/uid_map`,
  observed: uidMap.map(line => `${line.inside} ${line.outside} ${line.count}`).join(', ') || 'empty',
});

/** The largest sets of any process: what nobody in there has, nobody can use. */
function boundedEvidence(processes: readonly ProcessFacts[]): readonly Evidence[] {
  const most = (set: 'effective' | 'bounding'): ProcessFacts | undefined =>
    processes.toSorted((a, b) => b.status.capabilities[set].length - a.status.capabilities[set].length)[0];
  return (['effective', 'bounding'] as const).flatMap(set => {
    const process = most(set);
    if (process === undefined) return [];
    return [
      {
        claim:
          set === 'effective'
            ? 'No process holds all capabilities'
            : 'An exec cannot give it all of them, or a filter stands before them',
        source: `/proc/${process.pid}/status ${set === 'effective' ? 'CapEff' : 'CapBnd'}`,
        observed: sayMask(process.status.capabilities[set]),
      },
    ];
  });
}

function fixesFor({ container, openDevices, traced }: RuleFacts, used: readonly Used[]): readonly Fix[] {
  const devices = orElse(openDevices, []).map(({ path }) => path);
  const trace = tracedBy(traced, 'capabilities');
  return [
    {
      ...leastPrivilege(container, { capabilities: trace.present ? trace.value.used : null, devices }),
      effect: 'It keeps the capabilities that are added, and seccomp and device rules are back',
      risk: trace.present
        ? `What it needs only at start or once a day was not seen in ${trace.value.seconds.toFixed(1)} s`
        : `What it uses is not known from a look${used.length === 0 ? '' : ' alone'}: glassbox diagnose --deep watches it`,
    },
    {
      action:
        'Ask what it was made privileged for: a port below 1024 is NET_BIND_SERVICE (or a sysctl), a VPN NET_ADMIN and /dev/net/tun, FUSE /dev/fuse and SYS_ADMIN, Docker inside Docker a rootless builder',
      effect: 'The one grant that was missing, in place of all',
      risk: 'The next missing one shows as EPERM; security/capability-missing names it',
    },
  ];
}
