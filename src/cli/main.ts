import { version } from './version.ts';

// `--version` answers before anything else is loaded: its budget is 1.5 empty Node programs (DESIGN §10).
const [first, ...rest] = process.argv.slice(2);
if (rest.length === 0 && (first === '--version' || first === '-V')) {
  process.stdout.write(`${version}\n`);
} else {
  const { run } = await import('./program.ts');
  process.exitCode = await run(process.argv.slice(2));
}
