// SPDX-License-Identifier: GPL-2.0
// Counts by powers of two; src/trace/histogram.ts reads them.
#pragma once
#include "kernel.h"

#define POWERS 40

struct histogram {
	__u64 counts[POWERS];
};

// The power of two at or below a value; 0 for 0.
HELPER __u32 power_of(__u64 value)
{
	__u32 power = 0;

	if (value >> 32) {
		power += 32;
		value >>= 32;
	}
	if (value >> 16) {
		power += 16;
		value >>= 16;
	}
	if (value >> 8) {
		power += 8;
		value >>= 8;
	}
	if (value >> 4) {
		power += 4;
		value >>= 4;
	}
	if (value >> 2) {
		power += 2;
		value >>= 2;
	}
	if (value >> 1)
		power += 1;
	return power;
}

HELPER void count_by_power(struct histogram *histogram, __u64 value)
{
	__u32 power = power_of(value);

	if (power < POWERS)
		__sync_fetch_and_add(&histogram->counts[power], 1);
}

// Of a per-CPU map, which no other CPU counts in.
HELPER void count_by_power_alone(struct histogram *histogram, __u64 value)
{
	__u32 power = power_of(value);

	if (power < POWERS)
		histogram->counts[power]++;
}
