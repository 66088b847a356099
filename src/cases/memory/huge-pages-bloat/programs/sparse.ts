/**
 * Touches one byte in each 2 MiB of `size` MiB. With `huge` the allocator asks for huge pages: a tunable of glibc (2.35)
 * that is read as a program starts, so it starts itself once more.
 */
import { spawn } from 'node:child_process';

const [size = '0', way = ''] = process.argv.slice(2);
const everyHugePage = 2 * 2 ** 20;

if (way === 'huge') {
  const env = { ...process.env, GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1' };
  const [, script = ''] = process.argv;
  const child = spawn(process.execPath, [...process.execArgv, script, size], { env, stdio: 'inherit' });
  process.on('SIGTERM', () => child.kill());
  child.on('exit', code => process.exit(code ?? 0));
} else {
  const memory = Buffer.allocUnsafeSlow(Number(size) * 2 ** 20);
  for (let at = 0; at < memory.length; at += everyHugePage) memory[at] = 1;
  console.log('touched');
  process.on('SIGTERM', () => process.exit(0));
  setInterval(() => memory[0], 1000);
}
