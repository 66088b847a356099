// SPDX-License-Identifier: GPL-2.0
// Whose time a softirq or a timer takes: that of the thread it interrupted.
#pragma once
#include "scope.h"

enum whose {
	WHOSE_OTHERS,
	WHOSE_CONTAINER,
	// A ksoftirqd, which is scheduled like any thread: there was more than the end of an interrupt could do.
	WHOSE_KSOFTIRQD,
	WHOSE_IDLE,
};

HELPER enum whose interrupted(struct task_struct *task)
{
	char name[COMM] = {};

	if (!task->pid)
		return WHOSE_IDLE;
	if (in_scope_direct(task))
		return WHOSE_CONTAINER;
	if (!(task->flags & KERNEL_THREAD))
		return WHOSE_OTHERS;
	bpf_probe_read_kernel(name, COMM, task->comm);
	// "ksoftirq" as a number would depend on the byte order.
	return name[0] == 'k' && name[1] == 's' && name[2] == 'o' && name[3] == 'f' && name[4] == 't' ?
		       WHOSE_KSOFTIRQD :
		       WHOSE_OTHERS;
}
