import { absent, flatMapReading, present, type Reading } from '../reading.ts';
import { type LibC, loadLibC } from '../syscalls/libc.ts';
import { attachTypes, linkOptions, loadForFunction } from './function-programs.ts';
import type { FunctionType } from './function-types.ts';
import { type LibBpf, loadLibBpf, type Pointer } from './libbpf.ts';
import { type BpfMap, openMap } from './map.ts';
import { openRing, type Ring } from './ring.ts';

export interface ObjectOptions {
  /** Names it in messages: `the instrument signals`. */
  readonly what: string;
  /** An object file that clang made, as bytes. */
  readonly object: Uint8Array;
  /** The programs to load, by the names of their functions; all when left out. */
  readonly programs?: readonly string[];
  /** Contents of `SEC(".rodata.NAME")` variables, set before the kernel sees them. */
  readonly constants?: Readonly<Record<string, Uint8Array>>;
  /** Entries of maps that differ from what the object says. */
  readonly entries?: Readonly<Record<string, number>>;
}

/** An object whose programs are in the kernel. What it attached goes when it is closed, or with this process. */
export interface BpfObject {
  /** Attaches a program to what its section names; undefined is success. */
  readonly attach: (program: string) => Reading<true>;
  /** Attaches a perf_event program to an open perf event, which the kernel then closes with the program. */
  readonly attachToPerfEvent: (program: string, descriptor: number) => Reading<true>;
  /**
   * Loads a program of the object, made for one function's begin or end, once more for another function and attaches it
   * there. The program finds the cookie by bpf_get_attach_cookie (Linux 6.0).
   */
  readonly attachToFunction: (
    program: string,
    at: 'begin' | 'end',
    to: FunctionType,
    cookie: number,
  ) => Reading<true>;
  readonly map: (name: string) => BpfMap;
  readonly ring: (name: string) => Reading<Ring>;
  readonly detach: () => void;
  readonly close: () => void;
}

/** Puts the programs of an object file into the kernel. Absent, with the reason, where the kernel or its owner refuse. */
export const loadObject = (options: ObjectOptions): Reading<BpfObject> =>
  flatMapReading(loadLibC(), libc =>
    flatMapReading(loadLibBpf(libc), bpf => {
      const object = bpf.openObject(options.object, options.object.length, null);
      if (object === null)
        return absent(options.what, 'unreadable', 'its eBPF object is damaged; check out the file again');
      const failure = prepare(bpf, libc, object, options) ?? load(bpf, object, options);
      if (failure === undefined) return present(handle(bpf, libc, object, options.what));
      bpf.close(object);
      return failure;
    }),
  );

function prepare(
  bpf: LibBpf,
  { koffi }: LibC,
  object: Pointer,
  { what, programs, constants = {}, entries = {} }: ObjectOptions,
): Reading<never> | undefined {
  if (programs !== undefined)
    for (
      let program = bpf.nextProgram(object, null);
      program !== null;
      program = bpf.nextProgram(object, program)
    )
      bpf.setAutoload(program, programs.includes(bpf.programName(program)));
  for (const [name, value] of Object.entries(constants)) {
    const map = bpf.findMap(object, `.rodata.${name}`);
    const size: [number | bigint] = [0];
    const address = map === null ? null : bpf.initialValue(map, size);
    if (address === null || Number(size[0]) !== value.length)
      return absent(
        what,
        'unreadable',
        `its eBPF object and its program disagree about "${name}": build it again`,
      );
    new Uint8Array(koffi.view(address, value.length)).set(value);
  }
  for (const [name, count] of Object.entries(entries)) bpf.setMapEntries(bpf.findMap(object, name), count);
  return undefined;
}

function load(bpf: LibBpf, object: Pointer, { what }: ObjectOptions): Reading<never> | undefined {
  const result = bpf.load(object);
  return result === 0 ? undefined : refused(what, -result);
}

const errno = {
  EPERM: 1,
  ENOENT: 2,
  ESRCH: 3,
  EACCES: 13,
  EINVAL: 22,
  EOPNOTSUPP: 95,
  ENOTSUPP: 524,
} as const;

/** What a refusal to load or attach says about this kernel. Numbers, because libbpf returns them negated. */
function refused(what: string, number: number): Reading<never> {
  switch (number) {
    case errno.EPERM:
      return absent(
        what,
        'not-permitted',
        'run as root (CAP_BPF, CAP_PERFMON) on a kernel that is not locked down to confidentiality',
      );
    case errno.ESRCH:
    case errno.ENOENT:
      return absent(what, 'kernel-too-old', 'this kernel has not the tracepoint that it attaches to');
    case errno.EACCES:
    case errno.EINVAL:
    case errno.EOPNOTSUPP:
      return absent(
        what,
        'kernel-too-old',
        `this kernel does not take the program (error ${number}): Linux 5.11 or later`,
      );
    case errno.ENOTSUPP:
      return absent(what, 'kernel-too-old', 'it takes more arguments than this kernel can pass on');
    default:
      return absent(what, 'unreadable', `the kernel answered error ${number}`);
  }
}

function handle(bpf: LibBpf, libc: LibC, object: Pointer, what: string): BpfObject {
  const links: Pointer[] = [];
  const descriptors: number[] = [];
  const rings: Ring[] = [];
  const keep = (link: Pointer): Reading<true> => {
    if (link === null) return refused(what, libc.koffi.errno());
    links.push(link);
    return present(true);
  };
  const detach = (): void => {
    for (const link of links.splice(0)) bpf.destroyLink(link);
    for (const descriptor of descriptors.splice(0)) bpf.closeDescriptor(descriptor);
  };
  const mapNamed = (name: string): Pointer => {
    const map = bpf.findMap(object, name);
    if (map === null) throw new Error(`the eBPF object has no map "${name}"`);
    return map;
  };
  const programNamed = (name: string): Pointer => {
    const program = bpf.findProgram(object, name);
    if (program === null) throw new Error(`the eBPF object has no program "${name}"`);
    return program;
  };
  return {
    attach: name => keep(bpf.attach(programNamed(name))),
    attachToPerfEvent: (name, descriptor) => keep(bpf.attachPerfEvent(programNamed(name), descriptor)),
    attachToFunction: (name, at, to, cookie) => {
      const made = loadForFunction(bpf, programNamed(name), at, to);
      if (made < 0) return refused(what, -made);
      const link = bpf.createLink(made, 0, attachTypes[at], linkOptions(cookie));
      bpf.closeDescriptor(made);
      if (link < 0) return refused(what, -link);
      descriptors.push(link);
      return present(true);
    },
    map: name => openMap(bpf, mapNamed(name)),
    ring: name => {
      const map = mapNamed(name);
      const ring = openRing(libc, bpf.mapDescriptor(map), bpf.mapEntries(map));
      if (ring.present) rings.push(ring.value);
      return ring;
    },
    detach,
    close: () => {
      detach();
      for (const ring of rings.splice(0)) ring.close();
      bpf.close(object);
    },
  };
}
