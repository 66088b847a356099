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

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct pt_regs___x86 {
	unsigned long orig_ax;
	unsigned long di;
	unsigned long si;
	unsigned long dx;
	unsigned long bx;
	unsigned long cx;
};
struct pt_regs___arm64 {
	__u64 regs[31];
	int syscallno;
};
struct thread_info___x86 {
	__u32 status;
};
struct task_struct___x86 {
	struct thread_info___x86 thread_info;
};
struct thread_info___arm64 {
	unsigned long flags;
	int preempt_count;
};
struct task_struct___arm64 {
	struct thread_info___arm64 thread_info;
};
#pragma clang attribute pop

#define TS_COMPAT 2 // arch/x86/include/asm/thread_info.h
#define TIF_32BIT 22 // arch/arm64/include/asm/thread_info.h

// Whether the task is in a system call of a 32-bit program, which has other numbers and other registers.
HELPER bool in_compat_call(void)
{
	struct task_struct___x86 *x86 = (void *)current_task();
	struct task_struct___arm64 *arm64 = (void *)current_task();

	if (bpf_core_field_exists(x86->thread_info.status))
		return BPF_CORE_READ(x86, thread_info.status) & TS_COMPAT;
	if (bpf_core_field_exists(arm64->thread_info.flags))
		return BPF_CORE_READ(arm64, thread_info.flags) & 1UL << TIF_32BIT;
	return false;
}

// src/linux/syscalls/names.ts knows the mark.
#define COMPAT_CALL 0x20000000

HELPER int marked_call(int call)
{
	return call >= 0 && in_compat_call() ? call | COMPAT_CALL : call;
}

// Arguments of a system call that begins: 0, 1 or 2.
#define DEFINE_ARGUMENT(number, x86_register, ia32_register)                                      \
	HELPER __u64 argument_##number(void *registers)                                           \
	{                                                                                         \
		struct pt_regs___x86 *x86 = registers;                                            \
		struct pt_regs___arm64 *arm64 = registers;                                        \
                                                                                                  \
		if (bpf_core_field_exists(x86->x86_register))                                     \
			return in_compat_call() ? BPF_CORE_READ(x86, ia32_register)               \
						: BPF_CORE_READ(x86, x86_register);               \
		if (bpf_core_field_exists(arm64->regs))                                           \
			return BPF_CORE_READ(arm64, regs[number]);                                \
		return 0;                                                                         \
	}
DEFINE_ARGUMENT(0, di, bx)
DEFINE_ARGUMENT(1, si, cx)
DEFINE_ARGUMENT(2, dx, dx)

// The number of the system call that a task is in, as the entry code saved it; -1 where that cannot be told.
HELPER int syscall_of_registers(void *registers)
{
	struct pt_regs___x86 *x86 = registers;
	struct pt_regs___arm64 *arm64 = registers;

	if (bpf_core_field_exists(x86->orig_ax))
		return marked_call(BPF_CORE_READ(x86, orig_ax));
	if (bpf_core_field_exists(arm64->syscallno))
		return marked_call(BPF_CORE_READ(arm64, syscallno));
	return -1;
}

// Since Linux 5.15.
HELPER int current_syscall(void)
{
	if (!bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_task_pt_regs))
		return -1;
	return syscall_of_registers((void *)bpf_task_pt_regs(current_task()));
}
