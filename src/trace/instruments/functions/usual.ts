/**
 * What is looked at when nobody names functions: where containers are known to lose time, one level below the system calls,
 * where a wait is for something and not for the next request. Few, since the kernel takes a fifth of a second to let go of
 * each. What a kernel has not got is left out.
 */
export const usualFunctions = [
  // Files: names, reading and writing of what is on disks, syncing.
  ...['do_filp_open', 'iterate_dir', 'vfs_unlink', 'filemap_read', 'filemap_fault', 'vfs_fsync_range'],
  ...['ext4_file_write_iter', 'xfs_file_write_iter', 'btrfs_file_write_iter', 'ovl_copy_up_flags'],
  // What these wait for: a journal, write-back, somebody else's answer.
  ...['jbd2_log_wait_commit', 'xfs_log_force_seq', 'btrfs_commit_transaction', 'folio_wait_writeback'],
  ...['balance_dirty_pages', '__fuse_simple_request', 'rpc_wait_bit_killable'],
  // Memory: having to free some first.
  ...['try_to_free_pages', 'try_to_free_mem_cgroup_pages', 'do_swap_page', '__alloc_pages_direct_compact'],
  ...['mem_cgroup_handle_over_high', '__mem_cgroup_handle_over_high'],
  // Locks of the kernel that many share.
  ...['rwsem_down_read_slowpath', 'rwsem_down_write_slowpath', '__mutex_lock'],
  // Processes and namespaces.
  ...['kernel_clone', 'bprm_execve', 'exit_mmap', 'synchronize_rcu', 'cgroup_attach_task'],
  // The network: connecting and sending.
  ...['tcp_v4_connect', 'tcp_sendmsg_locked', '__dev_queue_xmit', 'ipt_do_table', 'nft_do_chain'],
  // What borrows its time.
  ...['net_rx_action', 'run_timer_softirq', 'rcu_core', 'estimation_timer'],
] as const;
