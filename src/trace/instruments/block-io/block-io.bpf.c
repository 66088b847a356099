// SPDX-License-Identifier: GPL-2.0
// What a container asks of block devices: from the moment a request goes to the device (block:block_rq_issue) until it is
// done (block:block_rq_complete), by device and direction. A request is the container's when its thread sends it off,
// when it is charged to the container's cgroup (blkcg), or when its first page is charged to the container's memory cgroup:
// that finds what writeback sends, on cgroup v1 too, where all of it is the root's blkcg. Everybody else's requests are
// added up by the memory cgroup of theirs: who keeps the device busy.
#include "../../bpf/scope.h"
#include "../../bpf/lost.h"
#include "../../bpf/histogram.h"
#include "../../bpf/total.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct blkcg {
	struct cgroup_subsys_state css;
};
struct blkcg_gq {
	struct blkcg *blkcg;
};
struct page {
	unsigned long compound_head;
	unsigned long memcg_data;
};
struct bio_vec {
	struct page *bv_page;
};
struct bio {
	struct blkcg_gq *bi_blkg;
	struct bio_vec *bi_io_vec;
};
struct mem_cgroup {
	struct cgroup_subsys_state css;
};
struct gendisk {
	int major;
	int first_minor;
	char disk_name[32];
};
struct request_queue {
	struct gendisk *disk;
};
struct request {
	struct request_queue *q;
	struct bio *bio;
	unsigned int cmd_flags;
	unsigned int __data_len;
};
// Before Linux 5.15.
struct request___old {
	struct gendisk *rq_disk;
};
#pragma clang attribute pop

struct limits {
	// The container's cgroup of the io or blkio controller, by the number of its directory; 0: it has none of its own.
	__u64 cgroup;
	// The same of the memory controller.
	__u64 memory;
};
const volatile struct limits limits SEC(".rodata.limits") = {};

struct sent {
	__u64 time;
	__u32 bytes;
	__u32 process;
	char name[COMM];
	// Of its first page.
	__u64 memory;
	__u32 own;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, __u64);
	__type(value, struct sent);
} requests SEC(".maps");

struct stream {
	__u32 major;
	__u32 minor;
	// REQ_OP_READ 0, WRITE 1, FLUSH 2, DISCARD 3 of include/linux/blk_types.h.
	__u32 operation;
	char disk[32];
};

struct sums {
	struct total total;
	__u64 errors;
	struct histogram times;
	struct histogram sizes;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 512);
	__type(key, struct stream);
	__type(value, struct sums);
} streams SEC(".maps");

// Too large for the stack.
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct sums);
} empty SEC(".maps");

struct issuer {
	__u32 process;
	__u32 operation;
	char name[COMM];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct issuer);
	__type(value, struct total);
} issuers SEC(".maps");

struct owner {
	__u64 memory;
	__u32 major;
	__u32 minor;
	__u32 operation;
	__u32 own;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct owner);
	__type(value, struct total);
} owners SEC(".maps");

#define OPERATION 0xff
// PageTail(): bit 0 of compound_head, the rest is the first page of the folio. MEMCG_DATA_FLAGS_MASK of memcg_data: something
// else than a page of a process or of the page cache.
#define TAIL 1
#define NO_PAGE 3

// The memory cgroup that the first page of a request is charged to; 0: nobody's, or the kernel's own.
HELPER __u64 memory_of(struct request *request)
{
	struct bio_vec *vector = BPF_CORE_READ(request, bio, bi_io_vec);
	struct page *page = vector ? BPF_CORE_READ(vector, bv_page) : 0;
	struct mem_cgroup *memory;
	unsigned long data;

	if (!page || !bpf_core_field_exists(page->memcg_data))
		return 0;
	data = BPF_CORE_READ(page, compound_head);
	if (data & TAIL)
		page = (struct page *)(data - TAIL);
	data = BPF_CORE_READ(page, memcg_data);
	if (!data || data & NO_PAGE)
		return 0;
	memory = (struct mem_cgroup *)data;
	return BPF_CORE_READ(memory, css.cgroup, kn, id);
}

HELPER bool is_charged(struct request *request)
{
	return limits.cgroup && BPF_CORE_READ(request, bio, bi_blkg, blkcg, css.cgroup, kn, id) == limits.cgroup;
}

SEC("tp_btf/block_rq_issue")
int BPF_PROG(on_issue, struct request *request)
{
	struct task_struct *task = current_task();
	struct sent sent = {};
	__u64 key = (__u64)request;

	sent.memory = memory_of(request);
	sent.own = in_scope_direct(task) || is_charged(request) || (limits.memory && sent.memory == limits.memory);
	sent.time = bpf_ktime_get_ns();
	sent.bytes = BPF_CORE_READ(request, __data_len);
	sent.process = task->tgid;
	bpf_probe_read_kernel_str(sent.name, COMM, task->comm);
	if (bpf_map_update_elem(&requests, &key, &sent, BPF_ANY) != 0)
		count_lost();
	return 0;
}

HELPER void name_stream(struct stream *stream, struct request *request)
{
	struct request___old *old = (void *)request;
	struct gendisk *disk = bpf_core_field_exists(old->rq_disk) ? BPF_CORE_READ(old, rq_disk) :
								     BPF_CORE_READ(request, q, disk);

	stream->major = BPF_CORE_READ(disk, major);
	stream->minor = BPF_CORE_READ(disk, first_minor);
	stream->operation = BPF_CORE_READ(request, cmd_flags) & OPERATION;
	BPF_CORE_READ_STR_INTO(&stream->disk, disk, disk_name);
}

HELPER struct sums *sums_of(struct stream *stream)
{
	struct sums *sums = bpf_map_lookup_elem(&streams, stream);
	__u32 first = 0;
	struct sums *none = bpf_map_lookup_elem(&empty, &first);

	if (sums || !none)
		return sums;
	bpf_map_update_elem(&streams, stream, none, BPF_NOEXIST);
	return bpf_map_lookup_elem(&streams, stream);
}

SEC("tp_btf/block_rq_complete")
int BPF_PROG(on_complete, struct request *request, int error, unsigned int done)
{
	__u64 key = (__u64)request;
	struct sent *sent = bpf_map_lookup_elem(&requests, &key);
	struct issuer issuer = {};
	struct stream stream = {};
	struct owner owner = {};
	struct sums *sums;
	__u64 time, bytes;

	// A part of it: the rest is still to come.
	if (!sent || done < BPF_CORE_READ(request, __data_len))
		return 0;
	time = bpf_ktime_get_ns() - sent->time;
	bytes = sent->bytes;
	issuer.process = sent->process;
	__builtin_memcpy(issuer.name, sent->name, COMM);
	owner.memory = sent->memory;
	owner.own = sent->own;
	bpf_map_delete_elem(&requests, &key);
	name_stream(&stream, request);
	owner.major = stream.major;
	owner.minor = stream.minor;
	owner.operation = stream.operation;
	add_total(&owners, &owner, time, bytes);
	if (!owner.own)
		return 0;
	issuer.operation = stream.operation;
	add_total(&issuers, &issuer, time, bytes);
	sums = sums_of(&stream);
	if (!sums) {
		count_lost();
		return 0;
	}
	__sync_fetch_and_add(&sums->total.time, time);
	__sync_fetch_and_add(&sums->total.count, 1);
	__sync_fetch_and_add(&sums->total.amount, bytes);
	if (time > sums->total.longest)
		sums->total.longest = time;
	if (error)
		__sync_fetch_and_add(&sums->errors, 1);
	count_by_power(&sums->times, time / 1000);
	count_by_power(&sums->sizes, bytes);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
