import type { DeviceAddress, NetDevice } from '../../linux/net/iproute/devices.ts';
import type { DeviceState } from './path.ts';

export const deviceState = ({ name, kind, mac, mtu, up, carrier, addresses }: NetDevice): DeviceState => ({
  name,
  kind,
  mac,
  mtu,
  up,
  carrier,
  addresses: usable(addresses).map(sayAddress),
  ...(addresses.some(isRefused) ? { refused: addresses.filter(isRefused).map(sayAddress) } : {}),
});

const isRefused = ({ duplicate }: DeviceAddress): boolean => duplicate === 'failed';

const usable = (addresses: readonly DeviceAddress[]): readonly DeviceAddress[] =>
  addresses.filter(address => !isRefused(address));

const sayAddress = ({ address, prefixLength }: DeviceAddress): string => `${address}/${prefixLength}`;

export const isIpv6 = (address: string): boolean => address.includes(':');

/** What masquerading takes for the source: one that others than those on the link can answer to, where there is one. */
export function addressOn(device: NetDevice | null, destination: string): string | undefined {
  const same = usable(device?.addresses ?? []).filter(
    ({ address }) => isIpv6(address) === isIpv6(destination),
  );
  return (same.find(({ address }) => !/^fe80:/.test(address)) ?? same[0])?.address;
}

/**
 * A device that is off has no routes. IPv6 addresses go with it (addrconf_ifdown; unless keep_addr_on_down is set), so
 * there one counts that has none, when no other device has an address of use.
 */
export function switchedOff(devices: readonly NetDevice[], destination: string): NetDevice | undefined {
  // kube-proxy keeps the addresses of services on a dummy (kube-ipvs0) that is always off: nothing is routed by it.
  const off = devices.filter(({ name, kind, up }) => name !== 'lo' && kind !== 'dummy' && !up);
  const withAddress = off.find(({ addresses }) => addresses.length > 0);
  if (withAddress !== undefined || !isIpv6(destination)) return withAddress;
  const hasOther = devices.some(
    ({ name, up, addresses }) =>
      name !== 'lo' && up && addresses.some(({ address }) => isIpv6(address) && !/^fe80:/.test(address)),
  );
  return hasOther ? undefined : off.find(({ kind }) => kind !== null);
}
