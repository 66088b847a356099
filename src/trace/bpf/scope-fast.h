// SPDX-License-Identifier: GPL-2.0
// in_scope_direct() for what happens at every switch of a CPU: without a helper call for those that are in the
// container's pid namespace itself, and in none below it.
#pragma once
#include "scope.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct nsproxy {
	struct pid_namespace *pid_ns_for_children;
};
struct task_struct___namespaces {
	struct nsproxy *nsproxy;
};
#pragma clang attribute pop

HELPER bool in_scope_fast(struct task_struct *task)
{
	if (scope.kind == SCOPE_PID_NAMESPACE) {
		struct pid *pid = task->thread_pid;

		if (!pid || pid->level < scope.depth)
			return false;
		// Where its children go is where it is, but for a moment in unshare(2) and setns(2).
		if (((struct task_struct___namespaces *)task)->nsproxy->pid_ns_for_children->ns.inum == (__u32)scope.id)
			return true;
	}
	return in_scope_direct(task);
}
