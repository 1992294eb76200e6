/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * How far long work has come, for a person, on standard error: on a terminal a
 * line that is written over, once the work has taken half a second; elsewhere,
 * if it was asked for, a line a second and one at the end.
 */
#ifndef CMD_PROGRESS_H
#define CMD_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	const char *what;     /* "dump" */
	uint64_t total;	      /* bytes of guest memory */
	uint64_t done, pages; /* as far as was said */
	bool terminal, asked;
	bool shown;	/* there is a line to write over */
	uint64_t start; /* CLOCK_MONOTONIC, ns */
	uint64_t next;	/* when to show something again */
};

void progress_begin(struct progress *progress, const char *what, uint64_t total, bool asked);

/* @done bytes are done, and @pages pages of them have tags. */
void progress_show(struct progress *progress, uint64_t done, uint64_t pages);

/* The work is over, done or not: where it got to. */
void progress_end(struct progress *progress);

#endif
