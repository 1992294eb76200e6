// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Which memory a slot takes: docs/abi.md 6.2 restated, every backing with every
 * combination of the tag flags, in a VM with MTE and in one without.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "groups.h"
#include "guest.h"
#include "rows.h"
#include "tap.h"

#define SIZE	 (4 * PAGE)
#define OPTIONAL KVM_MEM_TSR_TAGS_OPTIONAL
#define ON_TOUCH KVM_MEM_TSR_TAGS_ON_TOUCH

enum backing {
	ANON,
	ANON_SHARED,
	MEMFD,
	MEMFD_PRIVATE,
	HOLE,
	FILE_PRIVATE,
	FILE_SHARED,
	FILE_READONLY,
	HALF_FILE, /* two pages anonymous, two of a file */
	BACKING_COUNT,
};

static const char *const names[BACKING_COUNT] = {
	"anonymous memory",	   "shared anonymous memory",  "a memfd",
	"a memfd, mapped private", "nothing mapped",	       "a private file mapping",
	"a shared file mapping",   "a read-only file mapping", "half anonymous, half a file",
};

static void *backing_map(enum backing backing, int file, int memfd)
{
	const int rw = PROT_READ | PROT_WRITE;
	uint8_t *memory;

	switch (backing) {
	case ANON:
		return memory_anon(SIZE);
	case ANON_SHARED:
		return memory_map(SIZE, rw, MAP_SHARED | MAP_ANONYMOUS, -1);
	case MEMFD:
		return memory_map(SIZE, rw, MAP_SHARED, memfd);
	case MEMFD_PRIVATE:
		return memory_map(SIZE, rw, MAP_PRIVATE, memfd);
	case FILE_PRIVATE:
		return memory_map(SIZE, rw, MAP_PRIVATE, file);
	case FILE_SHARED:
		return memory_map(SIZE, rw, MAP_SHARED, file);
	case FILE_READONLY:
		return memory_map(SIZE, PROT_READ, MAP_PRIVATE, file);
	case HALF_FILE:
		memory = memory_anon(SIZE);
		if (mmap(memory + SIZE / 2, SIZE / 2, rw, MAP_PRIVATE | MAP_FIXED, file, 0) ==
		    MAP_FAILED)
			return NULL;
		return memory;
	case HOLE:
	case BACKING_COUNT:
		break;
	}
	memory = memory_anon(SIZE);
	munmap(memory, SIZE);
	return memory;
}

static bool holds_tags(enum backing backing)
{
	return backing < FILE_PRIVATE;
}

/* docs/abi.md 6.2, the table. */
static int expected(enum backing backing, uint32_t flags, bool mte)
{
	if (flags == ON_TOUCH)
		return EINVAL;
	if (!mte)
		return flags ? EINVAL : 0;
	if (holds_tags(backing))
		return 0;
	if (!flags)
		return EINVAL;
	if (flags == OPTIONAL)
		return env.notag ? 0 : EINVAL;
	return 0;
}

static const struct flags_row {
	const char *name;
	uint32_t flags;
} flags_rows[] = {
	{ "no flag", 0 },
	{ "TAGS_OPTIONAL", OPTIONAL },
	{ "TAGS_OPTIONAL and TAGS_ON_TOUCH", OPTIONAL | ON_TOUCH },
	{ "TAGS_ON_TOUCH alone", ON_TOUCH },
};

static void one_slot(struct machine *m, enum backing backing, bool mte, int file, int memfd)
{
	const char *vm = mte ? "MTE" : "no MTE";
	void *memory = backing_map(backing, file, memfd);

	for (unsigned int i = 0; i < ROW_COUNT(flags_rows); i++) {
		const struct flags_row *row = &flags_rows[i];
		long ret;

		if ((row->flags & OPTIONAL) && !env.tsr)
			continue;
		ret = machine_slot(m, TEST_SLOT, row->flags, TEST_GPA, SIZE, memory);
		tap_errno(ret, expected(backing, row->flags, mte), "%s: %s, %s", vm, names[backing],
			  row->name);
		if (!ret)
			machine_slot(m, TEST_SLOT, 0, 0, 0, NULL);
	}
	munmap(memory, SIZE);
}

static void all_slots(bool mte, int file, int memfd)
{
	struct machine m;

	for (enum backing backing = 0; backing < BACKING_COUNT; backing++) {
		machine_open(&m, MACHINE_NO_VCPU | (mte ? MACHINE_MTE : 0));
		one_slot(&m, backing, mte, file, memfd);
		machine_close(&m);
	}
}

/* Slots first, then MTE: they are judged as if they came after. */
static void late_mte(int file, int memfd)
{
	for (enum backing backing = 0; backing < BACKING_COUNT; backing++) {
		void *memory = backing_map(backing, file, memfd);
		struct machine m;

		machine_open(&m, MACHINE_NO_VCPU);
		machine_slot(&m, TEST_SLOT, 0, TEST_GPA, SIZE, memory);
		tap_errno(machine_cap(&m, KVM_CAP_ARM_MTE), expected(backing, 0, true),
			  "MTE enabled over %s", names[backing]);
		machine_slot(&m, TEST_SLOT, 0, 0, 0, NULL);
		tap_errno(machine_cap(&m, KVM_CAP_ARM_MTE), 0, "MTE enabled without it");
		machine_close(&m);
		munmap(memory, SIZE);
	}
}

/* What the guest finds: each backing's contents, and where its stores go. */
static void contents(int file, int memfd)
{
	for (enum backing backing = 0; backing < BACKING_COUNT; backing++) {
		uint8_t *memory = backing_map(backing, file, memfd);
		struct machine m;
		uint64_t value = 0, want;

		if (backing == HOLE)
			continue;
		memcpy(&want, memory, sizeof(want));
		machine_open(&m, 0);
		machine_slot(&m, TEST_SLOT, 0, TEST_GPA, SIZE, memory);
		tap_ok(machine_finishes(&m, guest_ldr, TEST_GPA, 0, &value) && value == want,
		       "the guest reads %s", names[backing]);
		if (backing != FILE_READONLY)
			tap_ok(machine_finishes(&m, guest_str, TEST_GPA + 8, 0x1234, NULL) &&
				       memory[8] == 0x34 && memory[9] == 0x12,
			       "the guest writes %s", names[backing]);
		machine_close(&m);
		munmap(memory, SIZE);
	}
}

void test_backing(void)
{
	int file = memory_file(SIZE);
	int memfd = memory_memfd(SIZE);

	if (file < 0) {
		tap_ok(false, "a file can be made in %s", env.disk);
		return;
	}
	contents(file, memfd);
	if (!env.tsr)
		tap_skip(env_lacks(NEED_TSR), "slots with TAGS_OPTIONAL");
	all_slots(false, file, memfd);
	if (env.mte) {
		all_slots(true, file, memfd);
		if (env.tsr)
			late_mte(file, memfd);
		else
			tap_skip("mainline looks at creation alone", "MTE enabled over slots");
	} else {
		tap_skip(env_lacks(NEED_MTE), "slots of a VM with MTE");
	}
	close(file);
	close(memfd);
}
