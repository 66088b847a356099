// SPDX-License-Identifier: GPL-2.0
// Whether code runs for the task that is on the CPU, or in an interrupt that borrows it: include/linux/preempt.h.
#pragma once
#include "kernel.h"

enum context {
	CONTEXT_TASK,
	CONTEXT_SOFTIRQ,
	CONTEXT_HARDIRQ,
};

#define SOFTIRQ_SERVED 0x100
#define HARDIRQ_LEVEL 0x000f0000
#define NMI_LEVEL 0x00f00000

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct pcpu_hot {
	int preempt_count;
};
#pragma clang attribute pop

// x86 has the count in a variable of each CPU, which from 6.2 to 6.14 was a part of another; arm64 in the task.
extern const int __preempt_count __ksym __weak;
extern const struct pcpu_hot pcpu_hot __ksym __weak;

HELPER enum context current_context(void)
{
	struct task_struct___arm64 *task = (void *)current_task();
	__u32 count = 0;

	if (&__preempt_count)
		count = *(int *)bpf_this_cpu_ptr(&__preempt_count);
	else if (&pcpu_hot)
		count = ((struct pcpu_hot *)bpf_this_cpu_ptr(&pcpu_hot))->preempt_count;
	else if (bpf_core_field_exists(task->thread_info.preempt_count))
		count = BPF_CORE_READ(task, thread_info.preempt_count);
	if (count & (HARDIRQ_LEVEL | NMI_LEVEL))
		return CONTEXT_HARDIRQ;
	return count & SOFTIRQ_SERVED ? CONTEXT_SOFTIRQ : CONTEXT_TASK;
}
