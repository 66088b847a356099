/** Touches each page of `size` MiB of memory over and over. Told anything, it says when three more rounds are done. */
const pageSize = 4096;

process.on('SIGTERM', () => process.exit(0));
const memory = Buffer.alloc(Number(process.argv[2]) * 2 ** 20, 1);
const waiting: { round: number; word: string }[] = [{ round: 2, word: 'scanning' }];
let round = 0;

setInterval(() => {
  for (let at = 0; at < memory.length; at += pageSize) memory[at] = round & 0xff;
  round += 1;
  for (const due of waiting.splice(0)) {
    if (round >= due.round) console.log(due.word);
    else waiting.push(due);
  }
}, 50);
process.stdin.on('data', () => waiting.push({ round: round + 3, word: 'settled' }));
