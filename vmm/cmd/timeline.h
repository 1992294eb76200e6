/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The timeline: what the guest needed, what the VMM did, how long it took, as
 * lines for a person, on standard error while it happens.
 *
 *	   12.345 ms  vcpu 0  the guest needs allocation tags at 0x80000000
 *
 * Locks: none of its own; a line is one write.
 */
#ifndef CMD_TIMELINE_H
#define CMD_TIMELINE_H

#include <stdbool.h>
#include <stdint.h>

struct timeline {
	bool on;
	uint64_t start; /* CLOCK_MONOTONIC, ns */
};

void timeline_init(struct timeline *timeline, bool on);

/* Nanoseconds since timeline_init(). */
uint64_t timeline_now(const struct timeline *timeline);

/* @who: "vcpu 0", "vmm". Nothing happens if the timeline is off. */
void timeline_add(const struct timeline *timeline, const char *who, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
