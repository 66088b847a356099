import { filesGiven, giverMakes, startGiver } from '../../../lab/giver.ts';
import type { Lab } from '../../../lab/lab.ts';
import { capabilityName, engineDefaultCapabilities } from '../../../linux/capabilities.ts';
import { openKernelFiles } from '../../../linux/files.ts';
import { readStatus } from '../../../linux/proc/status.ts';

/** "It did not work, so somebody added these." */
const added = ['SYS_ADMIN', 'NET_ADMIN', 'SYS_PTRACE'];
const tooMany = [...engineDefaultCapabilities.map(capabilityName), ...added];

export const lab: Lab = {
  makes: giverMakes,
  seconds: 7,
  needs: [],
  healthy: { says: 'root with CAP_CHOWN alone', start: bench => startGiver(bench, ['CHOWN']) },
  problem: { says: `the default set and ${added.join(', ')}`, start: bench => startGiver(bench, tooMany) },
  fix: {
    says: 'started again with what it was seen to use',
    apply: async (bench, broken) => {
      await broken.stop();
      return startGiver(bench, ['CHOWN']);
    },
  },
  figures: [
    {
      name: 'capabilities it holds',
      unit: 'count',
      read: ({ init }) => {
        const status = readStatus(openKernelFiles(), init);
        return status.present ? status.value.capabilities.permitted.length : 0;
      },
    },
    filesGiven,
  ],
};
