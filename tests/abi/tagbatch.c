// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* KVM_TSR_TAG_BATCH, its arguments and what is moved: docs/abi.md 6.6. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "groups.h"
#include "guest.h"
#include "rows.h"
#include "tagio.h"
#include "tap.h"

#define PAGES	TAGIO_PAGES
#define WORDS	TAGIO_WORDS
#define SIZE	(PAGES * PAGE)
#define END	(TEST_GPA + SIZE)
#define IPA_END (1UL << IPA_BITS)
#define PACKED	TAGIO_PACKED
#define IN	KVM_TSR_TAG_BATCH_TO_GUEST
#define OUT	0

/* --- Bad input; a row leaves out what is right. --- */

static const struct batch_row {
	const char *name;
	uint64_t gpa, pages;
	unsigned long bitmap, tags;
	uint64_t size;
	uint32_t flags, pad;
	int want;
	uint64_t done;
} rows[] = {
	{ "from the guest", TEST_GPA, PAGES, PTR(tagio_bitmap), PTR(tagio_tags), sizeof(tagio_tags),
	  OUT, 0, 0, PAGES },
	{ "to the guest", TEST_GPA, PAGES, PTR(tagio_bitmap), PTR(tagio_tags), sizeof(tagio_tags),
	  IN, 0, 0, PAGES },
	{ "no tags to move, and nowhere", TEST_GPA, PAGES, PTR(tagio_bitmap), PTR_NULL, 0, OUT, 0,
	  0, PAGES },
	{ "tags that are not aligned", TEST_GPA, 1, PTR(tagio_bitmap), PTR(tagio_tags) + 1, PACKED,
	  OUT, 0, 0, 1 },
	{ "gpa not aligned", TEST_GPA + 16, 1, PTR(tagio_bitmap), PTR(tagio_tags), PACKED, OUT, 0,
	  EINVAL },
	{ "no pages", TEST_GPA, 0, PTR(tagio_bitmap), PTR(tagio_tags), PACKED, OUT, 0, EINVAL },
	{ "a bitmap that is not aligned", TEST_GPA, 1, PTR(tagio_bitmap) + 4, PTR(tagio_tags),
	  PACKED, OUT, 0, EINVAL },
	{ "flag 1", TEST_GPA, 1, PTR(tagio_bitmap), PTR(tagio_tags), PACKED, 2, 0, EINVAL },
	{ "flag 31", TEST_GPA, 1, PTR(tagio_bitmap), PTR(tagio_tags), PACKED, 1U << 31, 0, EINVAL },
	{ "padding", TEST_GPA, 1, PTR(tagio_bitmap), PTR(tagio_tags), PACKED, OUT, 1, EINVAL },
	{ "beyond the IPA space", IPA_END, 1, PTR(tagio_bitmap), PTR(tagio_tags), PACKED, OUT, 0,
	  EINVAL },
	{ "partly beyond it", IPA_END - PAGE, 2, PTR(tagio_bitmap), PTR(tagio_tags), PACKED, OUT, 0,
	  EINVAL },
	{ "more bytes than 64 bits", 0, 1UL << 52, PTR(tagio_bitmap), PTR(tagio_tags), PACKED, OUT,
	  0, EINVAL },
	{ "all pages of 64 bits", TEST_GPA, ~0UL, PTR(tagio_bitmap), PTR(tagio_tags), PACKED, OUT,
	  0, EINVAL },
	{ "no slot", END, 1, PTR(tagio_bitmap), PTR(tagio_tags), PACKED, OUT, 0, EFAULT },
	{ "no slot, to the guest", END, 1, PTR(tagio_bitmap), PTR(tagio_tags), PACKED, IN, 0,
	  EFAULT },
	{ "the end of a slot", END - 70 * PAGE, 71, PTR(tagio_bitmap), PTR(tagio_tags),
	  sizeof(tagio_tags), OUT, 0, EFAULT, 70 },
	{ "the same, to the guest", END - 70 * PAGE, 71, PTR(tagio_bitmap), PTR(tagio_tags),
	  sizeof(tagio_tags), IN, 0, EFAULT, 70 },
	{ "the whole IPA space", 0, IPA_END / PAGE, PTR(tagio_bitmap), PTR(tagio_tags), PACKED, OUT,
	  0, EFAULT },
	{ "a bitmap at NULL", TEST_GPA, 1, PTR_NULL, PTR(tagio_tags), PACKED, OUT, 0, EFAULT },
	{ "a bitmap that is not mapped", TEST_GPA, 1, PTR_UNMAPPED, PTR(tagio_tags), PACKED, OUT, 0,
	  EFAULT },
	{ "a bitmap in the kernel", TEST_GPA, 1, PTR_KERNEL, PTR(tagio_tags), PACKED, IN, 0,
	  EFAULT },
};

static const struct row pointer_rows[] = {
	{ "TAG_BATCH: NULL", NEED_TSR, FD_VM, KVM_TSR_TAG_BATCH, PTR_NULL, EFAULT },
	{ "TAG_BATCH: unmapped", NEED_TSR, FD_VM, KVM_TSR_TAG_BATCH, PTR_UNMAPPED, EFAULT },
	{ "TAG_BATCH: a kernel address", NEED_TSR, FD_VM, KVM_TSR_TAG_BATCH, PTR_KERNEL, EFAULT },
	{ "TAG_BATCH of a closed fd", NEED_TSR, FD_CLOSED, KVM_TSR_TAG_BATCH, PTR(&tagio_batch),
	  EBADF },
};

static void bad_input(void)
{
	struct machine m;
	void *memory;

	machine_open(&m, tagio_mte);
	memory = tagio_slot(&m, 0, SIZE);
	memset(tagio_bitmap, 0, sizeof(tagio_bitmap));
	for (unsigned int i = 0; i < ROW_COUNT(rows); i++) {
		const struct batch_row *row = &rows[i];
		long ret;

		tagio_batch = (struct kvm_tsr_tag_batch){
			row->gpa,   row->pages, row->bitmap, row->tags, row->size,
			row->flags, row->pad,	99,	     99,
		};
		ret = call(m.vm, KVM_TSR_TAG_BATCH, PTR(&tagio_batch));
		tap_errno(ret, row->want, "TAG_BATCH: %s", row->name);
		tap_ok(tagio_done(row->done, 0), "TAG_BATCH: %s: %llu pages done", row->name,
		       (unsigned long long)row->done);
	}
	rows_run(&m, pointer_rows, ROW_COUNT(pointer_rows));
	tap_ok(call(m.vm, KVM_CHECK_EXTENSION, KVM_CAP_TSR_TAG_BATCH) == 1,
	       "TAG_BATCH: the capability of a VM with MTE");
	machine_close(&m);
	munmap(memory, SIZE);
	machine_open(&m, 0);
	memory = tagio_slot(&m, 0, SIZE);
	tap_errno(tagio_call(&m, OUT, 0, 1, PACKED), EINVAL, "TAG_BATCH: a VM without MTE");
	tap_ok(call(m.vm, KVM_CHECK_EXTENSION, KVM_CAP_TSR_TAG_BATCH) == 0,
	       "TAG_BATCH: the capability of a VM without MTE");
	machine_close(&m);
	munmap(memory, SIZE);
}

/* --- What is moved. --- */

static void from_guest(struct machine *m, uint8_t *memory)
{
	tap_ok(tagio_reads(m, 0, 0, 0, 0) && !tagio_resident(memory, PAGES),
	       "memory never touched has no tags, and is not touched for the answer");
	for (unsigned int i = 0; i < PAGES; i += 2)
		memory[i * PAGE] = 1;
	machine_finishes(m, guest_str, TEST_GPA + 5 * PAGE, 0, NULL);
	tagio_guest_store(m, TEST_GPA + 6 * PAGE, 0);
	tap_ok(tagio_reads(m, 0, 0, 0, 0),
	       "nor has memory that was written, by the VMM or the guest, "
	       "nor that with tags of 0");
	tagio_guest_store(m, TEST_GPA + 2 * GRANULE, 5);
	tagio_guest_store(m, TEST_GPA + 3 * GRANULE, 12);
	tagio_guest_store(m, TEST_GPA + 64 * PAGE - GRANULE, 1);
	tagio_guest_store(m, TEST_GPA + 64 * PAGE, 2);
	tagio_guest_store(m, TEST_GPA + 199 * PAGE + 17 * GRANULE, 3);
	tap_ok(tagio_reads(m, 1 | 1UL << 63, 1, 0, 1UL << (199 - 192)), "pages with tags are told");
	tap_ok(tagio_tags[0] == 0 && tagio_tags[1] == (5 | 12 << 4) && tagio_tags[2] == 0 &&
		       tagio_tags[2 * PACKED - 1] == 1 << 4 && tagio_tags[2 * PACKED] == 2 &&
		       tagio_tags[3 * PACKED + 8] == 3 << 4 && tagio_tags[4 * PACKED] == 0xff,
	       "their tags are packed, the lower address in the low nibble");
	tap_ok(!tagio_call(m, OUT, 63, 2, sizeof(tagio_tags)) && tagio_done(2, 2) &&
		       tagio_bitmap[0] == 3,
	       "a range that begins elsewhere");
}

/* Writes what was read into a guest that has other tags: it has these then, and no others. */
static void restore(struct machine *m)
{
	uint64_t saved_bitmap[WORDS];
	uint8_t saved[4 * PACKED];
	struct machine other;
	uint8_t *memory;

	tagio_reads(m, 1 | 1UL << 63, 1, 0, 1UL << (199 - 192));
	memcpy(saved_bitmap, tagio_bitmap, sizeof(tagio_bitmap));
	memcpy(saved, tagio_tags, sizeof(saved));
	machine_open(&other, tagio_mte | MACHINE_MMU);
	memory = tagio_slot(&other, 0, SIZE);
	tagio_guest_store(&other, TEST_GPA + 7 * PAGE, 9);
	tagio_guest_store(&other, TEST_GPA + GRANULE, 9);
	machine_finishes(&other, guest_ldr, TEST_GPA + 64 * PAGE, 0, NULL);
	tagio_bitmap[WORDS - 1] |= 1UL << (PAGES % 64);
	tap_ok(!tagio_call(&other, IN, 0, PAGES, sizeof(tagio_tags)) && tagio_done(PAGES, 4),
	       "what was read is written to another guest, bits beyond the end do not count");
	tap_ok(tagio_resident(memory, PAGES) == 5, "which touches no other page");
	tap_ok(tagio_guest_load(&other, TEST_GPA + 2 * GRANULE) == 5 &&
		       tagio_guest_load(&other, TEST_GPA + GRANULE) == 0 &&
		       tagio_guest_load(&other, TEST_GPA + 7 * PAGE) == 0 &&
		       tagio_guest_load(&other, TEST_GPA + 64 * PAGE) == 2 &&
		       tagio_guest_load(&other, TEST_GPA + 199 * PAGE + 17 * GRANULE) == 3,
	       "it finds these tags, and no others");
	tap_ok(tagio_reads(&other, saved_bitmap[0], saved_bitmap[1], saved_bitmap[2],
			   saved_bitmap[3]) &&
		       !memcmp(tagio_tags, saved, sizeof(saved)),
	       "and so does who reads them");
	machine_close(&other);
	munmap(memory, SIZE);
}

static void contents(void)
{
	struct machine m;
	uint8_t *memory;

	machine_open(&m, tagio_mte | MACHINE_MMU);
	memory = tagio_slot(&m, 0, SIZE);
	from_guest(&m, memory);
	restore(&m);
	machine_close(&m);
	munmap(memory, SIZE);
}

/* Each nibble, at each place of a page. */
static void every_nibble(void)
{
	static uint8_t want[15 * PACKED];
	struct machine m;
	void *memory;

	machine_open(&m, tagio_mte | MACHINE_MMU);
	memory = tagio_slot(&m, 0, SIZE);
	for (unsigned int i = 0; i < sizeof(want); i++)
		want[i] = (uint8_t)((i + i / PACKED) * 0x11 + i / 16);
	memcpy(tagio_tags, want, sizeof(want));
	tagio_bitmap[0] = 0x7fff;
	tap_ok(!tagio_call(&m, IN, 0, 15, sizeof(want)) && tagio_done(15, 15),
	       "pages full of tags");
	memset(tagio_tags, 0, sizeof(tagio_tags));
	tap_ok(!tagio_call(&m, OUT, 0, 15, sizeof(tagio_tags)) && tagio_done(15, 15) &&
		       !memcmp(tagio_tags, want, sizeof(want)),
	       "come back as they were");
	machine_close(&m);
	munmap(memory, SIZE);
}

/* --- Ends before the end. --- */

static void room(struct machine *m)
{
	tap_ok(!tagio_call(m, OUT, 0, PAGES, 0) && tagio_done(3, 0),
	       "no room: up to the first tags");
	tap_ok(!tagio_call(m, OUT, 0, PAGES, PACKED - 1) && tagio_done(3, 0), "a byte too little");
	tap_ok(!tagio_call(m, OUT, 3, PAGES - 3, 0) && tagio_done(0, 0), "no room at once: none");
	tap_ok(!tagio_call(m, OUT, 0, PAGES, PACKED) && tagio_done(9, 1) &&
		       tagio_bitmap[0] == 1UL << 3,
	       "room for one page of two in the first word: in part");
	tap_ok(!tagio_call(m, OUT, 0, PAGES, 3 * PACKED) && tagio_done(128, 3),
	       "room for one page of two in the third: two words");
	tap_ok(!tagio_call(m, OUT, 0, PAGES, 5 * PACKED) && tagio_done(PAGES, 5),
	       "just enough room");
	tagio_bitmap[0] = 1UL << 3 | 1UL << 9;
	tagio_bitmap[1] = 1UL << 6;
	tagio_bitmap[2] = 1UL << 2 | 1UL << 3;
	tagio_bitmap[3] = 0;
	tap_ok(!tagio_call(m, IN, 0, PAGES, 0) && tagio_done(3, 0), "no tags: up to the first bit");
	tap_ok(!tagio_call(m, IN, 0, PAGES, 2 * PACKED - 1) && tagio_done(9, 1),
	       "tags for one page");
	tap_ok(!tagio_call(m, IN, 0, PAGES, 4 * PACKED) && tagio_done(128, 3),
	       "tags for all but one page: two words");
	tap_ok(!tagio_call(m, IN, 0, PAGES, 5 * PACKED) && tagio_done(PAGES, 5),
	       "just enough tags");
}

/* A bitmap that ends after two words, and tags that end after a page: in front of @end. */
static void user_memory(struct machine *m, uint32_t flags, uint8_t *end)
{
	const char *way = flags ? "to the guest" : "from the guest";
	uint64_t *words = (uint64_t *)end - 2;

	tagio_call(m, OUT, 0, PAGES, sizeof(tagio_tags));
	words[0] = tagio_bitmap[0];
	words[1] = tagio_bitmap[1];
	tagio_batch.bitmap = PTR(words);
	tagio_batch.flags = flags;
	tap_errno(call(m->vm, KVM_TSR_TAG_BATCH, PTR(&tagio_batch)), EFAULT,
		  "a bitmap that ends after two words, %s", way);
	tap_ok(tagio_done(128, 3), "two words are done");
	memcpy(end - PACKED - 5, tagio_tags, PACKED + 5);
	tagio_batch.bitmap = PTR(tagio_bitmap);
	tagio_batch.tags = PTR(end - PACKED - 5);
	tap_errno(call(m->vm, KVM_TSR_TAG_BATCH, PTR(&tagio_batch)), EFAULT,
		  "tags that end after a page, %s", way);
	tap_ok(tagio_done(9, 1), "up to the second is done");
}

/* Nothing can be told; nothing else goes wrong. */
static void user_structure(struct machine *m, uint8_t *page)
{
	tagio_call(m, OUT, 0, PAGES, sizeof(tagio_tags));
	memcpy(page, &tagio_batch, sizeof(tagio_batch));
	mprotect(page, PAGE, PROT_READ);
	tap_errno(call(m->vm, KVM_TSR_TAG_BATCH, PTR(page)), EFAULT, "a structure to read only");
}

static void ends(void)
{
	uint8_t *buffer = memory_anon(2 * PAGE);
	struct machine m;
	uint8_t *memory;

	machine_open(&m, tagio_mte | MACHINE_MMU);
	memory = tagio_slot(&m, 0, SIZE);
	memory_guard(buffer + PAGE);
	tagio_guest_store(&m, TEST_GPA + 3 * PAGE, 3);
	tagio_guest_store(&m, TEST_GPA + 9 * PAGE, 9);
	tagio_guest_store(&m, TEST_GPA + 70 * PAGE, 7);
	tagio_guest_store(&m, TEST_GPA + 130 * PAGE, 1);
	tagio_guest_store(&m, TEST_GPA + 131 * PAGE, 1);
	room(&m);
	user_memory(&m, OUT, buffer + PAGE);
	user_memory(&m, IN, buffer + PAGE);
	user_structure(&m, buffer);
	munmap(memory + 72 * PAGE, PAGE);
	tap_errno(tagio_call(&m, OUT, 0, PAGES, sizeof(tagio_tags)), EFAULT,
		  "a hole in the VMM's memory");
	tap_ok(tagio_done(72, 3) && tagio_bitmap[1] == 1UL << 6, "up to the hole is done");
	memset(tagio_bitmap, 0, sizeof(tagio_bitmap));
	tap_errno(tagio_call(&m, IN, 0, PAGES, 0), EFAULT, "the same, to the guest");
	tap_ok(tagio_done(72, 0) && tagio_guest_load(&m, TEST_GPA + 70 * PAGE) == 0 &&
		       tagio_guest_load(&m, TEST_GPA + 130 * PAGE) == 1,
	       "up to the hole is cleared");
	mprotect(memory + 128 * PAGE, 72 * PAGE, PROT_NONE);
	tap_errno(tagio_call(&m, OUT, 128, 10, sizeof(tagio_tags)), EFAULT,
		  "tags in memory mapped for nothing");
	tap_ok(tagio_done(2, 0), "up to them is done");
	machine_close(&m);
	munmap(memory, SIZE);
	munmap(buffer, 2 * PAGE);
}

/* A slot that ends inside a word, and the next one, over other memory of the VMM. */
static void two_slots(void)
{
	const size_t half = 100 * PAGE;
	struct machine m;
	uint8_t *a, *b;

	machine_open(&m, tagio_mte | MACHINE_MMU);
	a = tagio_slot(&m, 0, half);
	b = memory_anon(half + PAGE);
	machine_slot(&m, TEST_SLOT + 1, 0, TEST_GPA + half, half, b + PAGE);
	tagio_guest_store(&m, TEST_GPA + 99 * PAGE, 3);
	tagio_guest_store(&m, TEST_GPA + 101 * PAGE, 4);
	tap_ok(tagio_reads(&m, 0, 1UL << 35 | 1UL << 37, 0, 0) && tagio_tags[0] == 3 &&
		       tagio_tags[PACKED] == 4,
	       "a word over the border of two slots");
	tap_ok(!tagio_call(&m, IN, 0, PAGES, sizeof(tagio_tags)) && tagio_done(PAGES, 2) &&
		       tagio_guest_load(&m, TEST_GPA + 101 * PAGE) == 4,
	       "and back");
	machine_close(&m);
	munmap(a, half);
	munmap(b, half + PAGE);
}

void test_tagbatch(void)
{
	if (!env.tsr || !env.mte) {
		tap_skip(env_lacks(NEED_TSR | NEED_MTE), "TSR_TAG_BATCH");
		return;
	}
	bad_input();
	for (unsigned int lazy = 0; lazy <= MACHINE_LAZY; lazy += MACHINE_LAZY) {
		tagio_mte = MACHINE_MTE | lazy;
		contents();
		every_nibble();
		ends();
		two_slots();
	}
}
