/**
 * Where the bundle starts, on whatever Node dist/node leads to. A distribution may have replaced that Node by an
 * older one since it was chosen, so only what Node 18 understands is used before the check.
 */
const node = Number.parseInt(process.versions.node, 10);
const checkout = new URL('../../', import.meta.url);

if (node >= 24) {
  // Beside the bundle, never in /tmp: code that root runs must not come from a directory that anybody can make.
  process.getBuiltinModule('node:module').enableCompileCache(`${import.meta.dirname}/cache`);
  await import('./main.ts');
} else {
  const { chooseNodeAgain } = await import('./choose-node-again.ts');
  process.exitCode = chooseNodeAgain(checkout, process.argv.slice(2));
}
