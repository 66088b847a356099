import type { HostPid } from '../../linux/units.ts';

/** Whatever has a network namespace of its own: a lab's container, or a host that is nothing else. */
export interface NetworkPlace {
  readonly name: string;
  readonly init: HostPid;
}

/**
 * Hosts, routers and cables for a lab. Each host is a network namespace, each cable a veth pair that is made between
 * two of them; the host's own network namespace never sees a device, an address or a rule of it, and no packet leaves.
 */
export interface LabNetwork {
  /** A new host: a network namespace with loopback up, in which IPv4 is forwarded only when asked. */
  host(name: string, options?: HostOptions): Promise<LabHost>;
  /** A veth pair with an end in each place. Both ends are up, with their addresses, when it resolves. */
  link(one: LinkEnd, other: LinkEnd): Promise<void>;
  /** A bridge in a place, up; devices are put on it by `LinkEnd.bridge`. Its address is its place's: `10.77.0.1/24`. */
  bridge(on: NetworkPlace, device: string, addresses?: readonly string[]): Promise<void>;
  /** Runs a program of the host's in the network of a place (nothing else of it); its output. Rejects when it fails. */
  run(on: NetworkPlace, command: readonly string[]): Promise<string>;
}

export interface HostOptions {
  /** net.ipv4.ip_forward: true makes it a router. A new namespace inherits the host's value, so labs say it. */
  readonly forward?: boolean;
  /** Other net.* values of its own: `{ 'net.ipv4.conf.all.rp_filter': '0' }`. */
  readonly sysctls?: Readonly<Record<string, string>>;
}

export interface LinkEnd {
  readonly on: NetworkPlace;
  /** `eth0` when left out. Two letters at least: ip(8) takes one for a keyword. */
  readonly device?: string;
  /** With prefix length: `10.77.0.2/24`, `fd00::2/64`. */
  readonly addresses?: readonly string[];
  /** The next hop of its default route. */
  readonly gateway?: string;
  readonly mtu?: number;
  /** A bridge in that place which gets this end as a port. */
  readonly bridge?: string;
}

export interface LabHost extends NetworkPlace {
  /** As `LabNetwork.run`, here. */
  run(command: readonly string[]): Promise<string>;
  /** The same for a command that may fail, which a lab wants to see. */
  attempt(command: readonly string[]): Promise<{ readonly code: number; readonly output: string }>;
  /** Sets net.* values of this namespace. */
  set(sysctls: Readonly<Record<string, string>>): Promise<void>;
  /** Starts a program of `networkPrograms` here; it ends with the host. */
  start(program: HostProgram): Promise<RunningProgram>;
  /** Ends its programs and with them the namespace, its devices and the other ends of its cables. */
  stop(): Promise<void>;
}

/** A Node program run as root without any capability, within the limits of the host's cgroup. */
export interface HostProgram {
  readonly file: URL;
  readonly args?: readonly string[];
}

export interface RunningProgram {
  readonly pid: HostPid;
  /** As `LabContainer.line`. */
  line(pattern: RegExp, timeoutMs?: number): Promise<string>;
  stop(): Promise<void>;
}
