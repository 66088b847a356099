/** The uid and gid of unprivileged lab programs: no account, no sub-uid range, no other container's by chance. */
export const labUser = 64321;
