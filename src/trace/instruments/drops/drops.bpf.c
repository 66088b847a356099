// SPDX-License-Identifier: GPL-2.0
// Packets that the kernel throws away in the container's network namespace, and those from and to its addresses that it
// throws away in others: the tracepoint skb:kfree_skb, with the reason (Linux 5.17) and the function that did it. Added
// up here by reason, place and what kind of packet it was.
#include "../../bpf/lost.h"
#include "../../bpf/net.h"

enum side {
	SIDE_NONE,
	SIDE_FROM,
	SIDE_TO,
};

struct drop {
	__u64 location;
	__u32 reason;
	// The number of the network namespace.
	__u32 network;
	__u16 family;
	__u16 protocol;
	// The packet's destination port, for TCP and UDP.
	__u16 port;
	// In another namespace: whether it was from the container or to it, and the address of the other end.
	__u16 side;
	__u8 peer[16];
	char device[16];
};

// The container's own addresses, filled in before the object is loaded; IPv4 in the first four bytes.
#define ADDRESSES 8
struct addresses {
	__u32 count;
	__u32 family[ADDRESSES];
	__u32 words[ADDRESSES][4];
};
const volatile struct addresses addresses SEC(".rodata.addresses") = {};

HELPER bool is_own(__u16 family, const __u8 *address)
{
	__u32 words[4];

	__builtin_memcpy(words, address, sizeof(words));
	for (int index = 0; index < ADDRESSES; index++) {
		if (index >= addresses.count)
			return false;
		if (addresses.family[index] == family && addresses.words[index][0] == words[0] &&
		    addresses.words[index][1] == words[1] && addresses.words[index][2] == words[2] &&
		    addresses.words[index][3] == words[3])
			return true;
	}
	return false;
}

// As network_of_packet, for whichever namespace it is; 0 where nothing tells.
HELPER __u32 number_of_network(const struct sk_buff *packet, const struct sock *sock)
{
	struct net_device *device = BPF_CORE_READ(packet, dev);
	struct dst_entry *route = (void *)(BPF_CORE_READ(packet, _skb_refdst) & ~1UL);

	if (sock)
		return BPF_CORE_READ(sock, __sk_common.skc_net.net, ns.inum);
	if (device)
		return BPF_CORE_READ(device, nd_net.net, ns.inum);
	return route ? BPF_CORE_READ(route, dev, nd_net.net, ns.inum) : 0;
}

struct drops {
	__u64 count;
	__u64 bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct drop);
	__type(value, struct drops);
} table SEC(".maps");

// Arguments by number: the third one came with 5.17, the fourth with 6.11.
SEC("raw_tp/kfree_skb")
int on_drop(struct bpf_raw_tracepoint_args *context)
{
	const struct sk_buff *packet = (const void *)context->args[0];
	struct sock *sock = BPF_CORE_READ(packet, sk);
	struct net_device *device;
	struct drop drop = {};
	struct ends ends = {};
	struct drops first = { .count = 1 };
	struct drops *drops;

	ends_of_packet(&ends, packet);
	if (sock ? network_of_socket(sock) : network_of_packet(packet)) {
		drop.network = scope.network;
	} else {
		if (!addresses.count)
			return 0;
		if (is_own(ends.family, ends.remote)) {
			drop.side = SIDE_FROM;
			__builtin_memcpy(drop.peer, ends.local, sizeof(drop.peer));
		} else if (is_own(ends.family, ends.local)) {
			drop.side = SIDE_TO;
			__builtin_memcpy(drop.peer, ends.remote, sizeof(drop.peer));
		} else {
			return 0;
		}
		drop.network = number_of_network(packet, sock);
		if (!drop.network)
			return 0;
	}
	drop.location = context->args[1];
	drop.reason = context->args[2];
	drop.family = ends.family;
	drop.protocol = ends.protocol;
	drop.port = ends.local_port;
	device = BPF_CORE_READ(packet, dev);
	if (device && BPF_CORE_READ(device, nd_net.net, ns.inum) == drop.network)
		bpf_probe_read_kernel_str(drop.device, sizeof(drop.device), device->name);
	first.bytes = BPF_CORE_READ(packet, len);
	drops = bpf_map_lookup_elem(&table, &drop);
	if (!drops) {
		if (!bpf_map_update_elem(&table, &drop, &first, BPF_NOEXIST))
			return 0;
		drops = bpf_map_lookup_elem(&table, &drop);
		if (!drops) {
			count_lost();
			return 0;
		}
	}
	__sync_fetch_and_add(&drops->count, 1);
	__sync_fetch_and_add(&drops->bytes, first.bytes);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
