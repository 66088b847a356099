// SPDX-License-Identifier: GPL-2.0
// The parts of the kernel's structures that the instruments read. Order and offsets mean nothing here: libbpf
// relocates every access to the running kernel's BTF, and fields that it lacks are asked for with
// bpf_core_field_exists. No vmlinux.h is needed.
#pragma once
#include <linux/types.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>

#define NULL ((void *)0)
typedef _Bool bool;
#define true 1
#define false 0
#define COMM 16
#define KERNEL_THREAD 0x00200000 // PF_KTHREAD of include/linux/sched.h, in task->flags
// For functions of the headers that an instrument may leave unused.
#define HELPER static __always_inline __attribute__((unused))

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct ns_common {
	unsigned int inum;
};
struct pid_namespace {
	struct ns_common ns;
};
struct upid {
	int nr;
	struct pid_namespace *ns;
};
struct pid {
	unsigned int level;
	struct upid numbers[1];
};
struct kernfs_node {
	__u64 id;
};
struct cgroup_subsys_state {
	struct cgroup *cgroup;
	struct cgroup_subsys_state *parent;
};
struct cgroup {
	struct cgroup_subsys_state self;
	int level;
	struct kernfs_node *kn;
};
struct css_set {
	struct cgroup_subsys_state *subsys[1];
	struct cgroup *dfl_cgrp;
};
struct mm_struct {
	unsigned long arg_start;
	unsigned long arg_end;
};
struct net {
	struct ns_common ns;
};
struct task_struct {
	int pid;
	int tgid;
	int exit_code;
	unsigned int flags;
	char comm[COMM];
	struct pid *thread_pid;
	struct task_struct *group_leader;
	struct task_struct *real_parent;
	struct mm_struct *mm;
	struct css_set *cgroups;
};
#pragma clang attribute pop

#define current_task() ((struct task_struct *)bpf_get_current_task_btf())

// The number of the system call that a task is in, as the entry code saved it; -1 where that cannot be told.
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct pt_regs___x86 {
	unsigned long orig_ax;
	unsigned long di;
	unsigned long si;
	unsigned long dx;
};
struct pt_regs___arm64 {
	__u64 regs[31];
	int syscallno;
};
#pragma clang attribute pop

// Arguments of a system call that begins: 0, 1 or 2.
#define DEFINE_ARGUMENT(number, x86_register)                                                     \
	HELPER __u64 argument_##number(void *registers)                                           \
	{                                                                                         \
		struct pt_regs___x86 *x86 = registers;                                            \
		struct pt_regs___arm64 *arm64 = registers;                                        \
                                                                                                  \
		if (bpf_core_field_exists(x86->x86_register))                                     \
			return BPF_CORE_READ(x86, x86_register);                                  \
		if (bpf_core_field_exists(arm64->regs))                                           \
			return BPF_CORE_READ(arm64, regs[number]);                                \
		return 0;                                                                         \
	}
DEFINE_ARGUMENT(0, di)
DEFINE_ARGUMENT(1, si)
DEFINE_ARGUMENT(2, dx)

HELPER int syscall_of_registers(void *registers)
{
	struct pt_regs___x86 *x86 = registers;
	struct pt_regs___arm64 *arm64 = registers;

	if (bpf_core_field_exists(x86->orig_ax))
		return BPF_CORE_READ(x86, orig_ax);
	if (bpf_core_field_exists(arm64->syscallno))
		return BPF_CORE_READ(arm64, syscallno);
	return -1;
}

// Since Linux 5.15.
HELPER int current_syscall(void)
{
	if (!bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_task_pt_regs))
		return -1;
	return syscall_of_registers((void *)bpf_task_pt_regs(current_task()));
}
