// Computes without end, and needs nobody for it.
process.on('SIGTERM', () => process.exit(0));

function work(): void {
  const end = performance.now() + 20;
  let sum = 0;
  while (performance.now() < end)
    for (let index = 0; index < 20_000; index += 1) sum = (sum + index * index) % 1_000_003;
  setImmediate(work);
}

work();
setTimeout(() => console.log('working'), 300);
