// SPDX-License-Identifier: GPL-2.0
// How long calls of chosen kernel functions take, and which of them call which. Loaded once for each function
// (src/linux/bpf/object.ts: attachToFunction); the function's number is the cookie of the attachment.
#include "../../bpf/scope.h"
#include "../../bpf/context.h"
#include "../../bpf/histogram.h"
#include "../../bpf/stacks.h"

#define DEEPEST_CALL 16

struct limits {
	__u64 longest;
};
const volatile struct limits limits SEC(".rodata.limits") = {};

// A call that goes on.
struct call {
	// Where on the kernel stack: the same at its begin and at its end, and lower than that of its caller.
	__u64 position;
	__u64 began;
	// Spent in those of the chosen functions that it called itself.
	__u64 inner;
	__u64 path;
	__u32 function;
	// Whether one of those took long.
	__u32 slow_inside;
};

struct calls {
	__u32 depth;
	struct call open[DEEPEST_CALL];
};

// By thread; of interrupts by CPU, whose threads then wait.
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64);
	__type(value, struct calls);
} going_on SEC(".maps");

// What a new entry of it looks like: too big for the stack of a program.
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct calls);
} no_calls SEC(".maps");

// A function as called by these callers: a node of the call tree, by the number of its path.
struct node {
	__u64 caller;
	__u32 function;
	__u32 context;
	__u64 time;
	__u64 inner;
	__u64 count;
	__u64 longest;
	__u64 slow;
	struct histogram times;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64);
	__type(value, struct node);
} nodes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct node);
} no_node SEC(".maps");

// A call that took long, and did not spend it in another of the chosen functions that did.
struct event {
	__u64 ended;
	__u64 took;
	__u64 path;
	__u32 function;
	__u32 context;
	__u32 thread;
	__s32 stack;
	char name[COMM];
};

HELPER __u64 where(struct task_struct *task, enum context context)
{
	if (context == CONTEXT_TASK)
		return (__u32)task->pid;
	return (__u64)context << 32 | bpf_get_smp_processor_id();
}

// The number of a function's path: that of its caller, 0 for none, and its own.
HELPER __u64 path_of(__u64 caller, __u64 function, enum context context)
{
	__u64 hash = (caller ^ (function + 1)) * 0x9e3779b97f4a7c15ULL + context;

	return hash ^ hash >> 29;
}

HELPER struct call *call_at(struct calls *calls, __u64 index)
{
	// The compiler may know the bound already, and would leave out what the verifier has to see.
	asm volatile("" : "+r"(index));
	return &calls->open[index & (DEEPEST_CALL - 1)];
}

// Forgets calls below a position, whose ends were not seen; then the innermost that is left is the caller.
HELPER __u32 depth_above(struct calls *calls, __u64 position)
{
	__u32 depth = calls->depth;

	for (int step = 0; step < DEEPEST_CALL; step++) {
		if (depth == 0 || depth > DEEPEST_CALL)
			return 0;
		if (call_at(calls, depth - 1)->position > position)
			return depth;
		depth--;
	}
	return depth;
}

SEC("fentry/vfs_read")
int on_call(void *arguments)
{
	struct task_struct *task = current_task();
	__u64 function = bpf_get_attach_cookie(arguments);
	__u64 position = (__u64)arguments;
	enum context context;
	struct calls *calls;
	struct call *call;
	__u64 key, caller = 0;
	__u32 depth, first = 0;

	if (!in_scope_direct(task))
		return 0;
	context = current_context();
	key = where(task, context);
	calls = bpf_map_lookup_elem(&going_on, &key);
	if (!calls) {
		struct calls *none = bpf_map_lookup_elem(&no_calls, &first);

		if (!none)
			return 0;
		bpf_map_update_elem(&going_on, &key, none, BPF_NOEXIST);
		calls = bpf_map_lookup_elem(&going_on, &key);
		if (!calls) {
			count_lost();
			return 0;
		}
	}
	depth = depth_above(calls, position);
	if (depth >= DEEPEST_CALL) {
		count_lost();
		return 0;
	}
	if (depth > 0)
		caller = call_at(calls, depth - 1)->path;
	call = call_at(calls, depth);
	call->position = position;
	call->path = path_of(caller, function, context);
	call->inner = 0;
	call->function = function;
	call->slow_inside = 0;
	calls->depth = depth + 1;
	call->began = bpf_ktime_get_ns();
	return 0;
}

HELPER struct node *node_of(__u64 path, __u64 caller, __u32 function, __u32 context)
{
	struct node *node = bpf_map_lookup_elem(&nodes, &path);
	struct node *none;
	__u32 first = 0;

	if (node)
		return node;
	none = bpf_map_lookup_elem(&no_node, &first);
	if (!none)
		return NULL;
	bpf_map_update_elem(&nodes, &path, none, BPF_NOEXIST);
	node = bpf_map_lookup_elem(&nodes, &path);
	if (!node) {
		count_lost();
		return NULL;
	}
	node->caller = caller;
	node->function = function;
	node->context = context;
	return node;
}

SEC("fexit/vfs_read")
int on_return(void *arguments)
{
	struct task_struct *task = current_task();
	__u64 now = bpf_ktime_get_ns();
	__u64 position = (__u64)arguments;
	__u64 key, took, caller = 0;
	enum context context;
	struct calls *calls;
	struct call *call;
	struct call *above = NULL;
	struct event *event;
	struct node *node;
	__u32 depth;

	if (!in_scope_direct(task))
		return 0;
	context = current_context();
	key = where(task, context);
	calls = bpf_map_lookup_elem(&going_on, &key);
	if (!calls)
		return 0;
	depth = depth_above(calls, position);
	// It had begun before it was looked at.
	if (depth >= DEEPEST_CALL || depth >= calls->depth)
		return 0;
	call = call_at(calls, depth);
	if (call->position != position)
		return 0;
	calls->depth = depth;
	took = now - call->began;
	if (depth > 0) {
		above = call_at(calls, depth - 1);
		caller = above->path;
		above->inner += took;
	}
	node = node_of(call->path, caller, bpf_get_attach_cookie(arguments), context);
	if (!node)
		return 0;
	__sync_fetch_and_add(&node->time, took);
	__sync_fetch_and_add(&node->inner, call->inner);
	__sync_fetch_and_add(&node->count, 1);
	if (took > node->longest)
		node->longest = took;
	count_by_power(&node->times, took / 1000);
	if (took < limits.longest)
		return 0;
	__sync_fetch_and_add(&node->slow, 1);
	if (above)
		above->slow_inside = 1;
	if (call->slow_inside)
		return 0;
	event = reserve_event(sizeof(*event));
	if (!event)
		return 0;
	event->ended = now;
	event->took = took;
	event->path = call->path;
	event->function = bpf_get_attach_cookie(arguments);
	event->context = context;
	event->thread = task->pid;
	event->stack = kernel_stack(arguments);
	bpf_probe_read_kernel(event->name, COMM, task->comm);
	submit_event(event);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
