/** Says on a terminal's standard error what takes a while, and takes it back when it is over. */
export async function showWhile<T>(what: string, work: () => Promise<T>): Promise<T> {
  if (process.stderr.isTTY !== true) return work();
  process.stderr.write(`${what} …`);
  try {
    return await work();
  } finally {
    process.stderr.write('\r\x1b[K');
  }
}
