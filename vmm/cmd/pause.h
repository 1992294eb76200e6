/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Where vCPU threads rest while a machine is paused.
 *
 * A pause has holders: `tessera pause` until `tessera resume`, and each program
 * that needs the guest to stand still until it disconnects. As long as there is
 * one, each vCPU thread that comes to pause_rest() stays there; who adds a
 * holder also kicks the vCPUs, so that they come. When as many rest as there are
 * vCPUs, the guest's memory is nobody's but the holders'.
 *
 * Locks: its own, taken inside no other and around none.
 */
#ifndef CMD_PAUSE_H
#define CMD_PAUSE_H

#include <pthread.h>
#include <stdbool.h>

struct pause {
	pthread_mutex_t lock; /* guards all below */
	pthread_cond_t over;
	_Atomic unsigned int holders; /* written with the lock held */
	unsigned int resting;
	bool ended; /* nobody rests any more: the machine ends */
};

void pause_init(struct pause *pause);
void pause_destroy(struct pause *pause);

/* One holder more, and one that was there less. */
void pause_hold(struct pause *pause);
void pause_release(struct pause *pause);

/* What a vCPU's thread calls before it enters the guest. */
void pause_rest(struct pause *pause);

/* How many rest now. */
unsigned int pause_resting(struct pause *pause);

/* Whoever rests goes on, since the machine ends (@ended), or a new life of it begins. */
void pause_end(struct pause *pause, bool ended);

#endif
