/** Command lines for busybox, of containers that no lab of ours made and between which packets walk. */
export const connect = (address: string, port = 8080) =>
  `trap "exit 0" TERM; while :; do nc -w 8 ${address} ${port} </dev/null >/dev/null 2>&1; sleep 0.1; done`;
/** More than is on its way at once, so that segments fill up. */
export const send = (address: string, port = 8080) =>
  `while :; do head -c 400000 /dev/zero | nc ${address} ${port} >/dev/null 2>&1; sleep 0.1; done`;
export const idle = 'trap "exit 0" TERM; while :; do sleep 1 & wait $!; done';
export const serve = (port: number) => `trap "exit 0" TERM; httpd -f -p ${port} & wait $!`;
