import { closeSync, openSync } from 'node:fs';
import { present, type Reading } from '../reading.ts';
import { littleEndian, withNetlink } from './netlink.ts';

/**
 * RTM_GETNSID (include/uapi/linux/net_namespace.h): which number a network namespace gives to another one, the
 * `link_netnsid` of a veth whose peer is there. -1: it has no number, so no device here leads there.
 */
const what = 'namespace numbers (RTM_GETNSID)';
const header = 16;
const rtmNewNsid = 88;
const rtmGetNsid = 90;
const attributeNsid = 1;
const attributeFd = 3;

/** struct nlmsghdr, struct rtgenmsg (padded to 4), one attribute NETNSA_FD. */
export function namespaceIdRequest(descriptor: number, little = littleEndian): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(header + 4 + 8);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, bytes.length, little);
  view.setUint16(4, rtmGetNsid, little);
  view.setUint16(6, 1, little);
  view.setUint32(8, 1, little);
  view.setUint16(header + 4, 8, little);
  view.setUint16(header + 6, attributeFd, little);
  view.setUint32(header + 8, descriptor, little);
  return bytes;
}

/** Undefined for an error or for what is not such an answer. */
export function parseNamespaceId(datagram: Uint8Array, little = littleEndian): number | undefined {
  if (datagram.length < header + 4 + 8) return undefined;
  const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.byteLength);
  if (view.getUint16(4, little) !== rtmNewNsid) return undefined;
  const end = Math.min(datagram.length, view.getUint32(0, little));
  for (let offset = header + 4; offset + 8 <= end; ) {
    const length = view.getUint16(offset, little);
    if (length < 4) return undefined;
    if (view.getUint16(offset + 2, little) === attributeNsid) return view.getInt32(offset + 4, little);
    offset += (length + 3) & ~3;
  }
  return undefined;
}

/** The numbers that the namespace of the calling thread has for those at these paths; paths without one are left out. */
export const readNamespaceIds = (paths: readonly string[]): Reading<ReadonlyMap<string, number>> =>
  withNetlink(what, 'route', netlink => {
    const found = new Map<string, number>();
    for (const path of paths) {
      const descriptor = openQuietly(path);
      if (descriptor === undefined) continue;
      try {
        const answer = netlink.ask(namespaceIdRequest(descriptor), datagram => {
          const id = parseNamespaceId(datagram);
          if (id !== undefined && id >= 0) found.set(path, id);
          return 'done';
        });
        if (!answer.present) return answer;
      } finally {
        closeSync(descriptor);
      }
    }
    return present(found);
  });

/** A namespace that has gone meanwhile leads nowhere. */
function openQuietly(path: string): number | undefined {
  try {
    return openSync(path, 'r');
  } catch {
    return undefined;
  }
}
