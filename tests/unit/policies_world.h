/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A VM of which only the attributes are there, with policies over its memory: for the tests of
 * vmm/lib/{gate,lazy,watch,protect,promote}.c.
 */
#ifndef UNIT_POLICIES_WORLD_H
#define UNIT_POLICIES_WORLD_H

#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <setjmp.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "tessera/lazy.h"
#include "tessera/promote.h"
#include "tessera/protect.h"
#include "tessera/watch.h"

#define BASE  UINT64_C(0x40000000)
#define PAGES 1024
#define BYTES (PAGES * TSR_PAGE_SIZE)
#define R     TSR_FAULT_READ
#define W     TSR_FAULT_WRITE
#define X     TSR_FAULT_EXEC
#define T     TSR_FAULT_TAG

struct world {
	pthread_mutex_t lock;
	unsigned char denied[PAGES];
	int calls, fail_at;
	_Atomic uint64_t changes;
	struct tsr_ram ram;
	struct tsr_gate gate;
	struct tsr_lazy lazy;
	struct tsr_watch watch;
	struct tsr_protection text;
	struct tsr_promoter promoter;
	struct tsr_handler chain[5];
	size_t chain_count;
	char path[32];
	int reports, violations;
};

static inline int fake_change(void *opaque, struct tsr_range gpa, uint64_t needs, bool deny)
{
	struct world *world = opaque;
	int error = 0;

	assert_true(gpa.start >= BASE && gpa.start < gpa.end && gpa.end <= BASE + BYTES);
	pthread_mutex_lock(&world->lock);
	if (++world->calls == world->fail_at)
		error = -ENOMEM;
	for (uint64_t at = gpa.start; !error && at < gpa.end; at += TSR_PAGE_SIZE) {
		unsigned char *page = &world->denied[(at - BASE) / TSR_PAGE_SIZE];

		*page = (unsigned char)(deny ? *page | needs : *page & ~needs);
	}
	pthread_mutex_unlock(&world->lock);
	return error;
}

static inline uint64_t pattern(uint64_t page)
{
	return page * UINT64_C(0x9e3779b97f4a7c15) + 1;
}

/* A file of @bytes in which each page says its number; *@fd stays open. */
static inline int file_make(char *path, uint64_t bytes)
{
	int fd;

	strcpy(path, "/tmp/vmm_policies.XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)bytes), 0);
	for (uint64_t page = 0; page * TSR_PAGE_SIZE + 16 <= bytes; page++) {
		uint64_t word = pattern(page);

		assert_int_equal(pwrite(fd, &word, 8, (off_t)(page * TSR_PAGE_SIZE + 8)), 8);
	}
	return fd;
}

static inline void on_report(void *opaque, struct tsr_vcpu *vcpu, const struct tsr_fault *fault)
{
	struct world *world = opaque;

	world->reports++;
}

static inline enum tsr_verdict on_violation(void *opaque, struct tsr_vcpu *vcpu,
					    const struct tsr_fault *fault, struct tsr_why *why)
{
	struct world *world = opaque;

	world->violations++;
	return TSR_RESOLVED;
}

static inline void world_make(struct world *world, enum tsr_ram_kind kind, const char *path)
{
	struct tsr_ram_spec spec = { .gpa = { BASE, BASE + BYTES }, .kind = kind };
	struct tsr_attributes attributes = { tsr_gate_no_write, &world->gate };

	memset(world, 0, sizeof(*world));
	if (path)
		strcpy(spec.path, path);
	pthread_mutex_init(&world->lock, NULL);
	assert_int_equal(tsr_ram_create(&world->ram, &spec, 1, NULL), 0);
	tsr_gate_init(&world->gate, fake_change, world, &world->changes);
	assert_int_equal(tsr_watch_init(&world->watch, &world->gate, on_report, world), 0);
	assert_int_equal(tsr_protection_init(&world->text, &world->gate, on_violation, world), 0);
	assert_int_equal(tsr_promoter_init(&world->promoter, &world->ram, attributes,
					   &world->changes, 0, NULL),
			 0);
	world->chain[0] = (struct tsr_handler){ tsr_watch_handle, &world->watch };
	world->chain[1] = (struct tsr_handler){ tsr_protection_handle, &world->text };
	world->chain[2] = (struct tsr_handler){ tsr_promoter_handle, &world->promoter };
	world->chain[3] = (struct tsr_handler){ tsr_gate_handle, &world->gate };
	world->chain_count = 4;
}

/* Memory filled from a file of @bytes. */
static inline void world_lazy(struct world *world, uint64_t bytes, uint64_t window)
{
	world_make(world, TSR_RAM_ANON, NULL);
	close(file_make(world->path, bytes));
	assert_int_equal(tsr_lazy_init(&world->lazy, &world->gate, &world->ram,
				       &world->ram.regions[0], world->path, window, NULL),
			 0);
	memmove(&world->chain[2], &world->chain[1], 3 * sizeof(world->chain[0]));
	world->chain[1] = (struct tsr_handler){ tsr_lazy_handle, &world->lazy };
	world->chain_count = 5;
}

static inline void world_free(struct world *world)
{
	tsr_watch_destroy(&world->watch);
	if (world->chain_count == 5)
		tsr_lazy_destroy(&world->lazy);
	if (world->path[0])
		unlink(world->path);
	tsr_gate_destroy(&world->gate);
	tsr_promoter_destroy(&world->promoter);
	tsr_ram_destroy(&world->ram);
}

static inline uint64_t denied_at(struct world *world, uint64_t page)
{
	uint64_t denied;

	pthread_mutex_lock(&world->lock);
	denied = world->denied[page];
	pthread_mutex_unlock(&world->lock);
	return denied;
}

/* What the hypervisor denies is what the keepers do, on every page. */
static inline void assert_settled(struct world *world)
{
	tsr_gate_lock(&world->gate);
	for (uint64_t page = 0; page < PAGES; page++)
		assert_int_equal(denied_at(world, page),
				 tsr_gate_denied(&world->gate, BASE + page * TSR_PAGE_SIZE));
	tsr_gate_unlock(&world->gate);
}

/* A guest's access: exits while it is denied. Returns the exits, or -1 if it was stopped. */
static inline int touch(struct world *world, uint64_t page, uint64_t need)
{
	struct tsr_fault fault = {
		.flags = need,
		.gpa = BASE + page * TSR_PAGE_SIZE,
		.size = TSR_PAGE_SIZE,
		.entered = world->changes,
	};
	struct tsr_why why;
	int exits = 0, violations = world->violations;

	while (denied_at(world, page) & need && violations == world->violations) {
		if (exits++ > 100 || tsr_fault_dispatch(world->chain, world->chain_count, NULL,
							&fault, &why) != TSR_RESOLVED)
			return -1;
		fault.entered = world->changes;
	}
	return exits;
}

#endif
