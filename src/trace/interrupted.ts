const whoses = ['others', 'container', 'ksoftirqd', 'idle'] as const;

/** `enum whose` of bpf/interrupted.h. */
export const decodeWhose = (number: number): (typeof whoses)[number] => whoses[number] ?? 'others';
