/** What findings blame, in words that cases have in common: `Found.causes`. */
export const causes = {
  capabilities: 'capabilities',
  devices: 'devices',
  kernelFiles: 'writable kernel files',
  mount: (mountPoint: string): string => `mount on ${mountPoint}`,
  namespace: (kind: string): string => `${kind} namespace`,
} as const;
