// SPDX-License-Identifier: GPL-2.0
// A task iterator that tells how the PID 1 of every nested pid namespace has its signals handled: what
// /proc/<pid>/status says in SigCgt, with the flags of sigaction(2) that /proc does not show.
//
// Built by scripts/build-bpf.sh; the object beside this file is committed, so nobody needs clang to run it.
#include <linux/types.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct pid_namespace;
struct upid {
	int nr;
	struct pid_namespace *ns;
};
struct pid {
	unsigned int level;
	struct upid numbers[1];
};
struct sigaction {
	unsigned long sa_flags;
	void *sa_handler;
};
struct k_sigaction {
	struct sigaction sa;
};
struct sighand_struct {
	struct k_sigaction action[64];
};
struct task_struct {
	int pid;
	int tgid;
	struct pid *thread_pid;
	struct sighand_struct *sighand;
};
struct seq_file;
struct bpf_iter_meta {
	struct seq_file *seq;
};
struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
};
#pragma clang attribute pop

struct record {
	__u32 pid;
	__u32 signal;
	__u64 flags;
};

#define SIGNALS 31

// The number of a task in its own, innermost pid namespace.
static __always_inline int innermost(struct pid *pid, __u32 level)
{
	struct upid *upid = (void *)pid + bpf_core_field_offset(struct pid, numbers) +
			    level * bpf_core_type_size(struct upid);

	return BPF_CORE_READ(upid, nr);
}

SEC("iter/task")
int signal_actions(struct bpf_iter__task *context)
{
	struct seq_file *seq = context->meta->seq;
	struct task_struct *task = context->task;
	struct sighand_struct *sighand;
	struct pid *pid;
	__u32 level;

	if (!task || task->pid != task->tgid)
		return 0;
	pid = BPF_CORE_READ(task, thread_pid);
	level = BPF_CORE_READ(pid, level);
	if (level == 0 || level > 32 || innermost(pid, level) != 1)
		return 0;
	sighand = BPF_CORE_READ(task, sighand);
	if (!sighand)
		return 0;
	for (__u32 signal = 1; signal <= SIGNALS; signal++) {
		struct k_sigaction *action = (void *)sighand +
					     bpf_core_field_offset(struct sighand_struct, action) +
					     (signal - 1) * bpf_core_type_size(struct k_sigaction);
		// SIG_DFL is 0 and SIG_IGN is 1.
		if ((unsigned long)BPF_CORE_READ(action, sa.sa_handler) <= 1)
			continue;
		struct record record = {
			.pid = task->tgid,
			.signal = signal,
			.flags = BPF_CORE_READ(action, sa.sa_flags),
		};
		bpf_seq_write(seq, &record, sizeof(record));
	}
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
