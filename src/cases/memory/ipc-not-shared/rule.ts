import type { Container } from '../../../containers/container.ts';
import type { RuleOf } from '../../../diagnose/case.ts';
import { programIdentity } from '../../../diagnose/program.ts';
import { type Evidence, type Fix, found, ruledOut } from '../../../diagnose/verdict.ts';
import { sayBytes, sayCount, shellWord } from '../../../diagnose/wording.ts';
import type { IpcParty, IpcTwin } from '../../../observe/ipc-twins.ts';
import type { definition } from './case.ts';
import { foundSeeker, seekersIn } from './seekers.ts';

/**
 * Found: a segment that nobody but its maker is attached to, and its namesake in another ipc namespace, of the same size
 * and the same user, which nobody but *its* maker is attached to either, though different programs made them. A key is
 * there to be found by somebody else. Replicas of one program have equal keys too, as they should: no finding. Whether
 * they were meant to be one nobody but their authors knows: likely at most, and a notice.
 */
export const rule: RuleOf<typeof definition> = ({ ipcTwins, container, traced }) => {
  const pair = ipcTwins.find(isMeantToBeOne);
  const [seeker] = pair === undefined ? seekersIn(traced) : [];
  if (seeker !== undefined) return foundSeeker(container, seeker);
  if (ipcTwins.length === 0) {
    return ruledOut({
      claim: 'No key of its System V segments exists in another ipc namespace',
      source: '/proc/sysvipc/shm in each ipc namespace',
      observed: '0 keys in common',
    });
  }
  if (pair === undefined) return ruledOut(...ipcTwins.slice(0, 5).map(innocent));
  const { own, other, elsewhere } = pair;
  const [here, there] = [nameOf(own), nameOf(other)];
  return found({
    severity: 'notice',
    certainty: 'likely',
    summary: `${here} here and ${there} in ${elsewhere} each made a shared memory segment with the key ${sayKey(pair.key)}, and each is the only one that uses its own. The two containers have ipc namespaces of their own, in which a key means another object: what one writes the other never sees, and no call fails.`,
    evidence: [
      partyEvidence('Here', pair, own),
      partyEvidence(`In ${elsewhere}`, pair, other),
      {
        claim: 'They are in two ipc namespaces',
        source: creatorsOf(pair)
          .map(pid => `/proc/${pid}/ns/ipc`)
          .join(', '),
        observed: `ipc:[${own.namespace}], ipc:[${other.namespace}]`,
      },
    ],
    excluded: [
      {
        claim: 'Not replicas: different programs made them',
        source: creatorsOf(pair)
          .map(pid => `/proc/${pid}/cmdline`)
          .join(', '),
        observed: `${here}, ${there}`,
      },
    ],
    fixes: fixesFor(container, pair),
    trace: 'syscalls',
  });
};

function isMeantToBeOne({ own, other }: IpcTwin): boolean {
  const [here, there] = [identityOf(own), identityOf(other)];
  if (here === undefined || there === undefined || here === there) return false;
  return own.uid === other.uid && own.attached === 1 && other.attached === 1;
}

const identityOf = ({ creator }: IpcParty): string | undefined =>
  creator === null ? undefined : programIdentity(creator.executable, creator.commandLine);

const nameOf = (party: IpcParty): string => `${identityOf(party) ?? '?'} (pid ${party.creator?.pid ?? '?'})`;

const creatorsOf = ({ own, other }: IpcTwin): readonly number[] =>
  [own, other].flatMap(({ creator }) => (creator === null ? [] : [creator.pid]));

/** As ipcs(1) prints it. */
const sayKey = (key: number): string => `0x${(key >>> 0).toString(16).padStart(8, '0')}`;

const partyEvidence = (where: string, { key, size }: IpcTwin, party: IpcParty): Evidence => ({
  claim: `${where}: ${sayBytes(size)}, made by ${nameOf(party)}`.slice(0, 60),
  source: `nsenter -t ${party.creator?.pid ?? '<pid>'} -i ipcs -m`,
  observed: `key ${sayKey(key)}, shmid ${party.id}, uid ${party.uid}, nattch ${party.attached}`,
});

function innocent({ key, own, other, elsewhere }: IpcTwin): Evidence {
  const [here, there] = [identityOf(own), identityOf(other)];
  const why =
    here !== undefined && here === there
      ? 'the same program made both'
      : own.attached !== 1 || other.attached !== 1
        ? 'each has users of its own, or none'
        : own.uid !== other.uid
          ? 'of different users'
          : 'a maker has ended';
  return {
    claim: `Key ${sayKey(key)} is also in ${elsewhere}: ${why}`,
    source: '/proc/sysvipc/shm in each ipc namespace',
    observed: `${sayCount(own.attached, 'user')} here, ${other.attached} there`,
  };
}

function fixesFor({ engine, pod, name }: Container, { elsewhere }: IpcTwin): readonly Fix[] {
  const isHost = elsewhere === 'the host';
  const how =
    pod !== null
      ? 'Put both into one pod: its containers share the ipc namespace'
      : engine === 'docker' || engine === 'podman'
        ? `Make ${isHost ? name : elsewhere} with --ipc shareable and the other with --ipc ${isHost ? 'host' : `container:${shellWord(elsewhere)}`}`
        : 'Start both in one ipc namespace (nsenter -i, unshare without --ipc)';
  return [
    {
      action: `If they are meant to share it: ${how}`,
      effect: 'One key means one segment to both, and the second shmget() finds the first one’s',
      risk: 'Each can then read and remove all System V objects and message queues of the other',
    },
  ];
}
