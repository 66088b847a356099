import { version } from './version.ts';

// `glassbox diagnose | head`: whoever reads has enough, and nobody is left to be told. The exit undoes what a lab made.
process.stdout.on('error', ({ code, message }: NodeJS.ErrnoException) => {
  if (code !== 'EPIPE') process.stderr.write(`glassbox: standard output cannot be written: ${message}\n`);
  process.exit(code === 'EPIPE' ? 0 : 3);
});
process.stderr.on('error', () => {});

// `--version` answers before anything else is loaded: its budget is 1.5 empty Node programs (DESIGN §10).
const [first, ...rest] = process.argv.slice(2);
if (rest.length === 0 && (first === '--version' || first === '-V')) {
  process.stdout.write(`${version}\n`);
} else {
  const { run } = await import('./program.ts');
  process.exitCode = await run(process.argv.slice(2));
}
