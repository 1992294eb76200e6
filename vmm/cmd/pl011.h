/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * As much of a PL011 (Arm DDI 0183) as a polling console needs: the data
 * register sends and, if there is input, receives; the flag register says
 * whether. All else reads as 0 and ignores stores. There is no interrupt.
 *
 * Output is written a line at a time, so that a timeline on the same terminal
 * stays readable; pl011_flush() writes what has no newline yet.
 *
 * Locks: its own; any vCPU may access it at any time.
 */
#ifndef CMD_PL011_H
#define CMD_PL011_H

#include <pthread.h>

#include "tessera/vcpu.h"

#define PL011_GPA UINT64_C(0x09000000)

struct pl011 {
	pthread_mutex_t lock; /* guards all below */
	int output;	      /* descriptor */
	int input;	      /* descriptor, or -1 for none */
	unsigned char received;
	bool holds_received;
	size_t used;
	char line[256];
};

void pl011_init(struct pl011 *uart, int output, int input);
void pl011_flush(struct pl011 *uart);

/* Serves one access inside the page; puts what a load reads into mmio->value. */
void pl011_access(struct pl011 *uart, struct tsr_mmio *mmio);

#endif
