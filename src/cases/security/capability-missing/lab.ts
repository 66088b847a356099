import { filesGiven, giverMakes, startGiver } from '../../../lab/giver.ts';
import type { Lab } from '../../../lab/lab.ts';

export const lab: Lab = {
  makes: giverMakes,
  seconds: 7,
  needs: [],
  healthy: { says: 'root with CAP_CHOWN', start: bench => startGiver(bench, ['CHOWN']) },
  problem: { says: 'root with all capabilities dropped', start: bench => startGiver(bench, []) },
  fix: {
    says: 'started again with CAP_CHOWN added',
    apply: async (bench, broken) => {
      await broken.stop();
      return startGiver(bench, ['CHOWN']);
    },
  },
  figures: [filesGiven],
};
