/**
 * /proc/<pid>/mountinfo (proc(5)), one line:
 * `36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue`
 * Octal escapes (\040 space, \011, \012, \134) are undone.
 */
export interface Mount {
  readonly id: number;
  readonly parent: number;
  /** `major:minor` of st_dev. */
  readonly device: string;
  /** The part of the file system that is mounted. */
  readonly root: string;
  readonly mountPoint: string;
  readonly options: readonly string[];
  readonly type: string;
  readonly source: string;
  readonly superOptions: readonly string[];
}
