/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * How emu takes locks, its own and core's: where no scheduler runs, as POSIX threads do;
 * under the scheduler by trying, so that an actor that must wait lets others go on.
 */
#ifndef EMU_LOCK_H
#define EMU_LOCK_H

#include "types.h"

void emu_mutex_lock(pthread_mutex_t *m);
void emu_mutex_unlock(pthread_mutex_t *m);

/*
 * An invalidation's wait for the accesses that have begun (mmu.h); emu/'s seam alone.
 */
void emu_accesses_wait(void);

/*
 * Whether actors may be interrupted inside the locks that core takes, for what looks at those: all
 * else finds more if they are not.
 */
void emu_lock_steps(bool are_points);

/* Forgets readers and accesses of a run that was left in the middle. */
void emu_lock_reset(void);

#endif
