import type { Fix } from '../../../diagnose/verdict.ts';
import type { Listener } from '../../../observe/observation.ts';
import type { ListenQueueFacts } from './case.ts';
import { holderOf, limitThatActs } from './listeners.ts';

const accept: Fix = {
  action: 'Accept sooner: keep long work off the thread that accepts, or let more workers listen',
  effect: 'The queue has to hold only what arrives between two accept() calls',
  risk: 'No risk; when the program is too slow for good, nothing else helps',
};

export function fixesFor(facts: ListenQueueFacts, worst: Listener | undefined): readonly Fix[] {
  const { container } = facts;
  if (worst === undefined || !worst.backlog.present) return [accept];
  const holder = holderOf(facts, worst);
  if (holder?.status.state === 'T')
    return [
      {
        action: 'Let the stopped process go on',
        command: `kill -CONT ${holder.pid}`,
        effect: 'It accepts what waits, and the queue empties.',
        risk: 'Somebody stopped it: ask who, and why.',
      },
      accept,
    ];
  const wanted = Math.min(65_535, Math.max(1024, 4 * worst.backlog.value));
  const limit = limitThatActs(facts, worst);
  const raiseCap: Fix = {
    action: `Raise the cap of this network namespace; at creation: ${creationOption(facts, wanted)}`,
    command: `nsenter -t ${container.init ?? '<pid>'} -n sysctl -w net.core.somaxconn=${wanted}`,
    effect: 'Holds for listen() from then on (restart the program inside), as long as the namespace lives.',
    risk: 'A longer queue hides a slow server: clients wait in it.',
  };
  const byProgram = limit.by === 'program';
  const raiseBacklog: Fix = {
    action: `Ask for more in listen(): a backlog of ${byProgram ? Math.min(wanted, limit.somaxconn) : wanted}`,
    effect: `nginx: listen … backlog=; Node: server.listen({ backlog }); Java: new ServerSocket(port, backlog). ${byProgram ? `This namespace allows ${limit.somaxconn}.` : 'Only together with the cap.'}`,
    risk: 'A longer queue hides a slow server: clients wait in it.',
  };
  return byProgram ? [raiseBacklog, accept] : [raiseCap, raiseBacklog, accept];
}

/** A namespace's somaxconn is best set by whoever makes the namespace. */
function creationOption({ container }: ListenQueueFacts, wanted: number): string {
  if (container.pod !== null)
    return `securityContext.sysctls of the pod (unsafe: the kubelet needs --allowed-unsafe-sysctls net.core.somaxconn), value "${wanted}"`;
  return container.engine === 'lxc'
    ? `lxc.sysctl.net.core.somaxconn = ${wanted}`
    : `--sysctl net.core.somaxconn=${wanted}`;
}
