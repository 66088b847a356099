import { absent, present, type Reading } from '../reading.ts';
import type { LibC } from '../syscalls/libc.ts';

/** A BPF ring buffer (Documentation/bpf/ringbuf.rst), read where the kernel writes it: no call per event. */
export interface Ring {
  /** Hands over every record that is finished; the bytes are the kernel's own and only valid during the call. */
  readonly consume: (record: (bytes: Buffer) => void) => number;
  readonly close: () => void;
}

/** _SC_PAGESIZE of sysconf(3). */
const pageSizeName = 30;
const headerSize = 8;
/** BPF_RINGBUF_BUSY_BIT and BPF_RINGBUF_DISCARD_BIT of include/uapi/linux/bpf.h, in a record's length. */
const busy = 0x8000_0000;
const discarded = 0x4000_0000;
const lengthMask = 0x3fff_ffff;

/** mmap(2): PROT_READ 1, PROT_WRITE 2, MAP_SHARED 1. */
const readOnly = 1;
const readWrite = 3;
const shared = 1;

/**
 * Three mappings as the kernel offers them: the consumer's page, the producer's page, and the data twice over, so
 * that a record that wraps is in one piece.
 */
export function openRing({ koffi, library }: LibC, descriptor: number, size: number): Reading<Ring> {
  const pageSize = Number(library.func('long sysconf(int name)')(pageSizeName));
  const map = library.func(
    'void *mmap(void *address, size_t length, int protection, int flags, int fd, int64_t offset)',
  );
  const unmap = library.func('int munmap(void *address, size_t length)');
  const consumerPage = map(null, pageSize, readWrite, shared, descriptor, 0);
  const producerPages = map(null, pageSize + 2 * size, readOnly, shared, descriptor, pageSize);
  if (isFailure(consumerPage) || isFailure(producerPages))
    return absent(
      'the ring buffer of an eBPF program',
      'unreadable',
      'the kernel did not map it: Linux 5.8 or later',
    );
  const consumer = new BigInt64Array(koffi.view(consumerPage, pageSize), 0, 1);
  const produced = koffi.view(producerPages, pageSize + 2 * size);
  const producer = new BigInt64Array(produced, 0, 1);
  const headers = new Uint32Array(produced, pageSize, (2 * size) / 4);
  const data = Buffer.from(produced, pageSize, 2 * size);
  let position = Number(consumer[0] ?? 0n);
  return present({
    consume: record => {
      let count = 0;
      const end = Number(Atomics.load(producer, 0));
      while (position < end) {
        const offset = position % size;
        const length = Atomics.load(headers, offset / 4);
        if ((length & busy) !== 0) break;
        const payload = length & lengthMask;
        if ((length & discarded) === 0) {
          record(data.subarray(offset + headerSize, offset + headerSize + payload));
          count += 1;
        }
        position += Math.ceil((payload + headerSize) / 8) * 8;
      }
      Atomics.store(consumer, 0, BigInt(position));
      return count;
    },
    close: () => {
      unmap(consumerPage, pageSize);
      unmap(producerPages, pageSize + 2 * size);
    },
  });
}

/** MAP_FAILED is all ones. koffi gives an address as a bigint or as an object. */
const isFailure = (address: unknown): boolean =>
  address === null || address === -1n || address === 0xffff_ffff_ffff_ffffn;
