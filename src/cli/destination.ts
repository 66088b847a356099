import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { Container } from '../containers/container.ts';
import { selectContainers } from '../containers/select.ts';
import type { KernelFiles } from '../linux/files.ts';
import { readDevices } from '../linux/net/iproute/devices.ts';
import { readListeningSockets } from '../linux/net/sock-diag.ts';
import { flatMapReading, orElse } from '../linux/reading.ts';
import { inNamespace } from '../linux/syscalls/setns.ts';
import type { Destination } from '../observe/reach/path.ts';
import { exitCodes, Failure } from './failure.ts';

/**
 * What `--to` names: `HOST:PORT`, `[IPv6]:PORT`, or a container with or without a port. A host name is resolved by this
 * host, not by the container, whose resolver may be what is broken; the answer says which address was meant.
 */
export async function findDestination(
  files: KernelFiles,
  containers: readonly Container[],
  from: readonly Container[],
  text: string,
): Promise<Destination> {
  const [, bracketed, plain, portText] = /^(?:\[([^\]]+)\]|(.+?))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const name = bracketed ?? plain ?? '';
  const port = portText === undefined ? null : Number(portText);
  if (port !== null && (port < 1 || port > 65_535))
    throw refuse(`${portText} is no port.`, 'Ports are 1 to 65535.');
  if (isIP(name) > 0) return { address: name, port: needPort(port, text), asked: null };
  // The whole first: a selector such as pid:4711 has a colon of its own.
  for (const [selector, itsPort] of [
    [text, null],
    [name, port],
  ] as const) {
    const selection = selectContainers(files, containers, selector);
    if (selection.kind === 'one') return ofContainer(files, selection.container, from, itsPort, text);
    if (selection.kind === 'several')
      throw refuse(
        `"${selector}" fits several containers: ${selection.containers.map(each => each.id.slice(0, 12)).join(', ')}.`,
        'Name one by its id.',
      );
  }
  return { address: await resolve(name), port: needPort(port, text), asked: text };
}

const refuse = (what: string, remedy: string): Failure => new Failure(exitCodes.usage, what, remedy);

function needPort(port: number | null, text: string): number {
  if (port === null) throw refuse(`"${text}" has no port.`, 'Say which: --to HOST:PORT.');
  return port;
}

async function resolve(name: string): Promise<string> {
  try {
    return (await lookup(name)).address;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw refuse(
      `"${name}" is no container here, and this host cannot resolve it (${code}).`,
      'Name a container or a numeric address; the resolver of the container is not asked.',
    );
  }
}

function ofContainer(
  files: KernelFiles,
  target: Container,
  from: readonly Container[],
  port: number | null,
  asked: string,
): Destination {
  const { init, name } = target;
  if (init === null) throw refuse(`${name} does not run.`, 'Start it, or name an address.');
  if (from.some(({ namespaces }) => namespaces.net === target.namespaces.net))
    return { address: '127.0.0.1', port: port ?? onlyPort(files, target), asked };
  const addresses = addressesOf(files, target);
  const ours = from.flatMap(each => addressesOf(files, each));
  const shared = addresses.find(each => ours.some(other => isOnOneNetwork(each, other)));
  const address = (shared ?? addresses[0])?.address;
  if (address === undefined)
    throw refuse(`${name} has no address on any network.`, `See its devices: glassbox inspect ${name}`);
  return { address, port: port ?? onlyPort(files, target), asked };
}

interface Address {
  readonly address: string;
  readonly prefixLength: number;
}

/** IPv4 first, as most names resolve to; without those of loopback and of the link. */
const addressesOf = (files: KernelFiles, { init }: Container): readonly Address[] =>
  init === null
    ? []
    : orElse(
        flatMapReading(inNamespace(files, init, 'net', readDevices), reading => reading),
        [],
      )
        .flatMap(({ addresses }) => addresses)
        .filter(({ address }) => !/^(?:127\.|169\.254\.|fe80:|::1$)/.test(address))
        .sort((a, b) => Number(a.address.includes(':')) - Number(b.address.includes(':')));

/** By whole bytes: enough to prefer one of several addresses. */
const isOnOneNetwork = (one: Address, other: Address): boolean => {
  const bytes = Math.floor(Math.min(one.prefixLength, other.prefixLength) / 8);
  const head = ({ address }: Address): string => address.split('.').slice(0, bytes).join('.');
  return !one.address.includes(':') && bytes > 0 && head(one) === head(other);
};

/** The port of a container that listens on one only. */
function onlyPort(files: KernelFiles, { init, name }: Container): number {
  const sockets = init === null ? [] : orElse(readListeningSockets(files, init), []);
  const ports = [
    ...new Set(sockets.filter(({ address }) => !/^127\.|^::1$/.test(address)).map(({ port }) => port)),
  ];
  const [port] = ports;
  if (port === undefined)
    throw refuse(`${name} listens on no port.`, `Say which was meant: --to ${name}:PORT`);
  if (ports.length > 1)
    throw refuse(`${name} listens on ${ports.slice(0, 8).join(', ')}.`, `Say which: --to ${name}:PORT`);
  return port;
}
