// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* core/brlock alone: actors that share it and actors that do not, more than it has slots. */
#include "drive.h"
#include "lock.h"

#define STEPS 8U

static seam_rwlock_t lock;
static unsigned int readers, writers;

static void shares(void *arg)
{
	for (unsigned int i = 0; i < STEPS; i++) {
		seam_read_lock(&lock);
		readers++;
		emu_sched_point();
		if (writers)
			emu_sched_fail("a writer beside a reader");
		readers--;
		seam_read_unlock(&lock);
	}
}

static void excludes(void *arg)
{
	for (unsigned int i = 0; i < STEPS; i++) {
		seam_write_lock(&lock);
		writers++;
		emu_sched_point();
		if (readers)
			emu_sched_fail("a reader beside a writer");
		if (writers != 1)
			emu_sched_fail("two writers");
		writers--;
		seam_write_unlock(&lock);
	}
}

const char *drive_lock(u64 seed)
{
	const struct emu_actor actors[] = {
		{ "reader 1", shares, NULL },	{ "reader 2", shares, NULL },
		{ "reader 3", shares, NULL },	{ "writer 1", excludes, NULL },
		{ "writer 2", excludes, NULL },
	};
	const char *error;

	emu_phys_reset();
	readers = writers = 0;
	seam_rwlock_init(&lock);
	emu_sched_name(&lock, "the lock");
	emu_lock_steps(true);
	error = emu_sched_run(seed, actors, 5);
	emu_lock_steps(false);
	return error;
}
