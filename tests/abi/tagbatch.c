// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* KVM_TSR_TAG_BATCH: docs/abi.md 6.6. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "groups.h"
#include "guest.h"
#include "rows.h"
#include "tagio.h"
#include "tap.h"

#define PAGES	200UL
#define WORDS	(PAGES / 64 + 1)
#define SIZE	(PAGES * PAGE)
#define END	(TEST_GPA + SIZE)
#define IPA_END (1UL << IPA_BITS)
#define PACKED	128UL
#define IN	KVM_TSR_TAG_BATCH_TO_GUEST
#define OUT	0
#define LOG	KVM_MEM_LOG_DIRTY_PAGES

static uint64_t bitmap[WORDS];
static uint8_t tags[PAGES * PACKED];
static struct kvm_tsr_tag_batch batch; /* the last call's */

static long call_batch(struct machine *m, uint32_t flags, uint64_t page, uint64_t pages,
		       uint64_t size)
{
	batch = (struct kvm_tsr_tag_batch){
		.gpa = TEST_GPA + page * PAGE,
		.pages = pages,
		.bitmap = PTR(bitmap),
		.tags = PTR(tags),
		.tags_size = size,
		.flags = flags,
		.pages_done = 0x5a5a,
		.tags_done = 0x5a5a,
	};
	return call(m->vm, KVM_TSR_TAG_BATCH, PTR(&batch));
}

static bool done(uint64_t pages, uint64_t with_tags)
{
	if (batch.pages_done == pages && batch.tags_done == with_tags * PACKED)
		return true;
	tap_note("%llu pages done, %llu bytes", batch.pages_done, batch.tags_done);
	return false;
}

/* Reads all; true if it is done and these are the words of the bitmap. */
static bool reads(struct machine *m, uint64_t w0, uint64_t w1, uint64_t w2, uint64_t w3)
{
	const uint64_t want[WORDS] = { w0, w1, w2, w3 };
	unsigned int count = 0;

	memset(bitmap, 0xff, sizeof(bitmap));
	memset(tags, 0xff, sizeof(tags));
	if (call_batch(m, OUT, 0, PAGES, sizeof(tags)))
		return false;
	for (unsigned int i = 0; i < WORDS; i++) {
		count += (unsigned int)__builtin_popcountll(want[i]);
		if (bitmap[i] != want[i])
			tap_note("word %u: %#llx", i, (unsigned long long)bitmap[i]);
	}
	return !memcmp(bitmap, want, sizeof(want)) && done(PAGES, count);
}

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
	{ "from the guest", TEST_GPA, PAGES, PTR(bitmap), PTR(tags), sizeof(tags), OUT, 0, 0,
	  PAGES },
	{ "to the guest", TEST_GPA, PAGES, PTR(bitmap), PTR(tags), sizeof(tags), IN, 0, 0, PAGES },
	{ "no tags to move, and nowhere", TEST_GPA, PAGES, PTR(bitmap), PTR_NULL, 0, OUT, 0, 0,
	  PAGES },
	{ "tags that are not aligned", TEST_GPA, 1, PTR(bitmap), PTR(tags) + 1, PACKED, OUT, 0, 0,
	  1 },
	{ "gpa not aligned", TEST_GPA + 16, 1, PTR(bitmap), PTR(tags), PACKED, OUT, 0, EINVAL },
	{ "no pages", TEST_GPA, 0, PTR(bitmap), PTR(tags), PACKED, OUT, 0, EINVAL },
	{ "a bitmap that is not aligned", TEST_GPA, 1, PTR(bitmap) + 4, PTR(tags), PACKED, OUT, 0,
	  EINVAL },
	{ "flag 1", TEST_GPA, 1, PTR(bitmap), PTR(tags), PACKED, 2, 0, EINVAL },
	{ "flag 31", TEST_GPA, 1, PTR(bitmap), PTR(tags), PACKED, 1U << 31, 0, EINVAL },
	{ "padding", TEST_GPA, 1, PTR(bitmap), PTR(tags), PACKED, OUT, 1, EINVAL },
	{ "beyond the IPA space", IPA_END, 1, PTR(bitmap), PTR(tags), PACKED, OUT, 0, EINVAL },
	{ "partly beyond it", IPA_END - PAGE, 2, PTR(bitmap), PTR(tags), PACKED, OUT, 0, EINVAL },
	{ "more bytes than 64 bits", 0, 1UL << 52, PTR(bitmap), PTR(tags), PACKED, OUT, 0, EINVAL },
	{ "all pages of 64 bits", TEST_GPA, ~0UL, PTR(bitmap), PTR(tags), PACKED, OUT, 0, EINVAL },
	{ "no slot", END, 1, PTR(bitmap), PTR(tags), PACKED, OUT, 0, EFAULT },
	{ "no slot, to the guest", END, 1, PTR(bitmap), PTR(tags), PACKED, IN, 0, EFAULT },
	{ "the end of a slot", END - 70 * PAGE, 71, PTR(bitmap), PTR(tags), sizeof(tags), OUT, 0,
	  EFAULT, 70 },
	{ "the same, to the guest", END - 70 * PAGE, 71, PTR(bitmap), PTR(tags), sizeof(tags), IN,
	  0, EFAULT, 70 },
	{ "the whole IPA space", 0, IPA_END / PAGE, PTR(bitmap), PTR(tags), PACKED, OUT, 0,
	  EFAULT },
	{ "a bitmap at NULL", TEST_GPA, 1, PTR_NULL, PTR(tags), PACKED, OUT, 0, EFAULT },
	{ "a bitmap that is not mapped", TEST_GPA, 1, PTR_UNMAPPED, PTR(tags), PACKED, OUT, 0,
	  EFAULT },
	{ "a bitmap in the kernel", TEST_GPA, 1, PTR_KERNEL, PTR(tags), PACKED, IN, 0, EFAULT },
};

static const struct row pointer_rows[] = {
	{ "TAG_BATCH: NULL", NEED_TSR, FD_VM, KVM_TSR_TAG_BATCH, PTR_NULL, EFAULT },
	{ "TAG_BATCH: unmapped", NEED_TSR, FD_VM, KVM_TSR_TAG_BATCH, PTR_UNMAPPED, EFAULT },
	{ "TAG_BATCH: a kernel address", NEED_TSR, FD_VM, KVM_TSR_TAG_BATCH, PTR_KERNEL, EFAULT },
	{ "TAG_BATCH of a closed fd", NEED_TSR, FD_CLOSED, KVM_TSR_TAG_BATCH, PTR(&batch), EBADF },
};

static void bad_input(void)
{
	struct machine m;
	void *memory;

	machine_open(&m, MACHINE_MTE);
	memory = tagio_slot(&m, 0, SIZE);
	memset(bitmap, 0, sizeof(bitmap));
	for (unsigned int i = 0; i < ROW_COUNT(rows); i++) {
		const struct batch_row *row = &rows[i];
		long ret;

		batch = (struct kvm_tsr_tag_batch){
			row->gpa,   row->pages, row->bitmap, row->tags, row->size,
			row->flags, row->pad,	99,	     99,
		};
		ret = call(m.vm, KVM_TSR_TAG_BATCH, PTR(&batch));
		tap_errno(ret, row->want, "TAG_BATCH: %s", row->name);
		tap_ok(done(row->done, 0), "TAG_BATCH: %s: %llu pages done", row->name,
		       (unsigned long long)row->done);
	}
	rows_run(&m, pointer_rows, ROW_COUNT(pointer_rows));
	tap_ok(call(m.vm, KVM_CHECK_EXTENSION, KVM_CAP_TSR_TAG_BATCH) == 1,
	       "TAG_BATCH: the capability of a VM with MTE");
	machine_close(&m);
	munmap(memory, SIZE);
	machine_open(&m, 0);
	memory = tagio_slot(&m, 0, SIZE);
	tap_errno(call_batch(&m, OUT, 0, 1, PACKED), EINVAL, "TAG_BATCH: a VM without MTE");
	tap_ok(call(m.vm, KVM_CHECK_EXTENSION, KVM_CAP_TSR_TAG_BATCH) == 0,
	       "TAG_BATCH: the capability of a VM without MTE");
	machine_close(&m);
	munmap(memory, SIZE);
}

/* --- What is moved. --- */

static void from_guest(struct machine *m, uint8_t *memory)
{
	tap_ok(reads(m, 0, 0, 0, 0) && !tagio_resident(memory, PAGES),
	       "memory never touched has no tags, and is not touched for the answer");
	for (unsigned int i = 0; i < PAGES; i += 2)
		memory[i * PAGE] = 1;
	machine_finishes(m, guest_str, TEST_GPA + 5 * PAGE, 0, NULL);
	tagio_guest_store(m, TEST_GPA + 6 * PAGE, 0);
	tap_ok(reads(m, 0, 0, 0, 0), "nor has memory that was written, by the VMM or the guest, "
				     "nor that with tags of 0");
	tagio_guest_store(m, TEST_GPA + 2 * GRANULE, 5);
	tagio_guest_store(m, TEST_GPA + 3 * GRANULE, 12);
	tagio_guest_store(m, TEST_GPA + 64 * PAGE - GRANULE, 1);
	tagio_guest_store(m, TEST_GPA + 64 * PAGE, 2);
	tagio_guest_store(m, TEST_GPA + 199 * PAGE + 17 * GRANULE, 3);
	tap_ok(reads(m, 1 | 1UL << 63, 1, 0, 1UL << (199 - 192)), "pages with tags are told");
	tap_ok(tags[0] == 0 && tags[1] == (5 | 12 << 4) && tags[2] == 0 &&
		       tags[2 * PACKED - 1] == 1 << 4 && tags[2 * PACKED] == 2 &&
		       tags[3 * PACKED + 8] == 3 << 4 && tags[4 * PACKED] == 0xff,
	       "their tags are packed, the lower address in the low nibble");
	tap_ok(!call_batch(m, OUT, 63, 2, sizeof(tags)) && done(2, 2) && bitmap[0] == 3,
	       "a range that begins elsewhere");
}

/* Writes what was read into a guest that has other tags: it has these then, and no others. */
static void restore(struct machine *m)
{
	uint64_t saved_bitmap[WORDS];
	uint8_t saved[4 * PACKED];
	struct machine other;
	uint8_t *memory;

	reads(m, 1 | 1UL << 63, 1, 0, 1UL << (199 - 192));
	memcpy(saved_bitmap, bitmap, sizeof(bitmap));
	memcpy(saved, tags, sizeof(saved));
	machine_open(&other, MACHINE_MTE | MACHINE_MMU);
	memory = tagio_slot(&other, 0, SIZE);
	tagio_guest_store(&other, TEST_GPA + 7 * PAGE, 9);
	tagio_guest_store(&other, TEST_GPA + GRANULE, 9);
	machine_finishes(&other, guest_ldr, TEST_GPA + 64 * PAGE, 0, NULL);
	bitmap[WORDS - 1] |= 1UL << (PAGES % 64);
	tap_ok(!call_batch(&other, IN, 0, PAGES, sizeof(tags)) && done(PAGES, 4),
	       "what was read is written to another guest, bits beyond the end do not count");
	tap_ok(tagio_resident(memory, PAGES) == 5, "which touches no other page");
	tap_ok(tagio_guest_load(&other, TEST_GPA + 2 * GRANULE) == 5 &&
		       tagio_guest_load(&other, TEST_GPA + GRANULE) == 0 &&
		       tagio_guest_load(&other, TEST_GPA + 7 * PAGE) == 0 &&
		       tagio_guest_load(&other, TEST_GPA + 64 * PAGE) == 2 &&
		       tagio_guest_load(&other, TEST_GPA + 199 * PAGE + 17 * GRANULE) == 3,
	       "it finds these tags, and no others");
	tap_ok(reads(&other, saved_bitmap[0], saved_bitmap[1], saved_bitmap[2], saved_bitmap[3]) &&
		       !memcmp(tags, saved, sizeof(saved)),
	       "and so does who reads them");
	machine_close(&other);
	munmap(memory, SIZE);
}

static void contents(void)
{
	struct machine m;
	uint8_t *memory;

	machine_open(&m, MACHINE_MTE | MACHINE_MMU);
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

	machine_open(&m, MACHINE_MTE | MACHINE_MMU);
	memory = tagio_slot(&m, 0, SIZE);
	for (unsigned int i = 0; i < sizeof(want); i++)
		want[i] = (uint8_t)((i + i / PACKED) * 0x11 + i / 16);
	memcpy(tags, want, sizeof(want));
	bitmap[0] = 0x7fff;
	tap_ok(!call_batch(&m, IN, 0, 15, sizeof(want)) && done(15, 15), "pages full of tags");
	memset(tags, 0, sizeof(tags));
	tap_ok(!call_batch(&m, OUT, 0, 15, sizeof(tags)) && done(15, 15) &&
		       !memcmp(tags, want, sizeof(want)),
	       "come back as they were");
	machine_close(&m);
	munmap(memory, SIZE);
}

/* --- Ends before the end. --- */

static void room(struct machine *m)
{
	tap_ok(!call_batch(m, OUT, 0, PAGES, 0) && done(3, 0), "no room: up to the first tags");
	tap_ok(!call_batch(m, OUT, 0, PAGES, PACKED - 1) && done(3, 0), "a byte too little");
	tap_ok(!call_batch(m, OUT, 3, PAGES - 3, 0) && done(0, 0), "no room at once: none");
	tap_ok(!call_batch(m, OUT, 0, PAGES, PACKED) && done(9, 1) && bitmap[0] == 1UL << 3,
	       "room for one page of two in the first word: in part");
	tap_ok(!call_batch(m, OUT, 0, PAGES, 3 * PACKED) && done(128, 3),
	       "room for one page of two in the third: two words");
	tap_ok(!call_batch(m, OUT, 0, PAGES, 5 * PACKED) && done(PAGES, 5), "just enough room");
	bitmap[0] = 1UL << 3 | 1UL << 9;
	bitmap[1] = 1UL << 6;
	bitmap[2] = 1UL << 2 | 1UL << 3;
	bitmap[3] = 0;
	tap_ok(!call_batch(m, IN, 0, PAGES, 0) && done(3, 0), "no tags: up to the first bit");
	tap_ok(!call_batch(m, IN, 0, PAGES, 2 * PACKED - 1) && done(9, 1), "tags for one page");
	tap_ok(!call_batch(m, IN, 0, PAGES, 4 * PACKED) && done(128, 3),
	       "tags for all but one page: two words");
	tap_ok(!call_batch(m, IN, 0, PAGES, 5 * PACKED) && done(PAGES, 5), "just enough tags");
}

/* A bitmap that ends after two words, and tags that end after a page: in front of @end. */
static void user_memory(struct machine *m, uint32_t flags, uint8_t *end)
{
	const char *way = flags ? "to the guest" : "from the guest";
	uint64_t *words = (uint64_t *)end - 2;

	call_batch(m, OUT, 0, PAGES, sizeof(tags));
	words[0] = bitmap[0];
	words[1] = bitmap[1];
	batch.bitmap = PTR(words);
	batch.flags = flags;
	tap_errno(call(m->vm, KVM_TSR_TAG_BATCH, PTR(&batch)), EFAULT,
		  "a bitmap that ends after two words, %s", way);
	tap_ok(done(128, 3), "two words are done");
	memcpy(end - PACKED - 5, tags, PACKED + 5);
	batch.bitmap = PTR(bitmap);
	batch.tags = PTR(end - PACKED - 5);
	tap_errno(call(m->vm, KVM_TSR_TAG_BATCH, PTR(&batch)), EFAULT,
		  "tags that end after a page, %s", way);
	tap_ok(done(9, 1), "up to the second is done");
}

/* Nothing can be told; nothing else goes wrong. */
static void user_structure(struct machine *m, uint8_t *page)
{
	call_batch(m, OUT, 0, PAGES, sizeof(tags));
	memcpy(page, &batch, sizeof(batch));
	mprotect(page, PAGE, PROT_READ);
	tap_errno(call(m->vm, KVM_TSR_TAG_BATCH, PTR(page)), EFAULT, "a structure to read only");
}

static void ends(void)
{
	uint8_t *buffer = memory_anon(2 * PAGE);
	struct machine m;
	uint8_t *memory;

	machine_open(&m, MACHINE_MTE | MACHINE_MMU);
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
	tap_errno(call_batch(&m, OUT, 0, PAGES, sizeof(tags)), EFAULT,
		  "a hole in the VMM's memory");
	tap_ok(done(72, 3) && bitmap[1] == 1UL << 6, "up to the hole is done");
	memset(bitmap, 0, sizeof(bitmap));
	tap_errno(call_batch(&m, IN, 0, PAGES, 0), EFAULT, "the same, to the guest");
	tap_ok(done(72, 0) && tagio_guest_load(&m, TEST_GPA + 70 * PAGE) == 0 &&
		       tagio_guest_load(&m, TEST_GPA + 130 * PAGE) == 1,
	       "up to the hole is cleared");
	mprotect(memory + 128 * PAGE, 72 * PAGE, PROT_NONE);
	tap_errno(call_batch(&m, OUT, 128, 10, sizeof(tags)), EFAULT,
		  "tags in memory mapped for nothing");
	tap_ok(done(2, 0), "up to them is done");
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

	machine_open(&m, MACHINE_MTE | MACHINE_MMU);
	a = tagio_slot(&m, 0, half);
	b = memory_anon(half + PAGE);
	machine_slot(&m, TEST_SLOT + 1, 0, TEST_GPA + half, half, b + PAGE);
	tagio_guest_store(&m, TEST_GPA + 99 * PAGE, 3);
	tagio_guest_store(&m, TEST_GPA + 101 * PAGE, 4);
	tap_ok(reads(&m, 0, 1UL << 35 | 1UL << 37, 0, 0) && tags[0] == 3 && tags[PACKED] == 4,
	       "a word over the border of two slots");
	tap_ok(!call_batch(&m, IN, 0, PAGES, sizeof(tags)) && done(PAGES, 2) &&
		       tagio_guest_load(&m, TEST_GPA + 101 * PAGE) == 4,
	       "and back");
	machine_close(&m);
	munmap(a, half);
	munmap(b, half + PAGE);
}

/* --- Kinds of memory. --- */

/* Pages that are in the page cache alone; their tags were stored through another mapping. */
static void cached(void)
{
	int memfd = memory_memfd(SIZE);
	uint8_t *memory = memory_map(SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, memfd);
	uint8_t *other = tagio_host_map(SIZE, MAP_SHARED, memfd);
	struct machine m;

	if (!tap_ok(other, "a memfd mapped with PROT_MTE"))
		return;
	machine_open(&m, MACHINE_MTE | MACHINE_MMU);
	machine_slot(&m, TEST_SLOT, 0, TEST_GPA, SIZE, memory);
	tagio_host_store(other + 66 * PAGE + GRANULE, 8);
	other[68 * PAGE] = 1;
	tap_ok(reads(&m, 0, 1UL << 2, 0, 0) && tags[0] == 8 << 4,
	       "a memfd's tags, of a page that the slot's mapping has not touched");
	tap_ok(tagio_resident(other, PAGES) == 2, "and no other page is made");
	munmap(memory, SIZE);
	memory = mmap(memory, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, memfd, 0);
	tap_ok(reads(&m, 0, 1UL << 2, 0, 0) && tags[0] == 8 << 4, "likewise, mapped privately");
	memset(bitmap, 0, sizeof(bitmap));
	tap_ok(!call_batch(&m, IN, 0, PAGES, 0) &&
		       tagio_host_load(other + 66 * PAGE + GRANULE) == 8 &&
		       tagio_guest_load(&m, TEST_GPA + 66 * PAGE + GRANULE) == 0,
	       "tags taken from a private mapping stay with the file");
	machine_close(&m);
	munmap(memory, SIZE);
	munmap(other, SIZE);
	close(memfd);
}

/* One page of a huge page, to and from. */
static void huge(void)
{
	uint8_t *area = memory_anon(2 * BLOCK);
	uint8_t *memory = (uint8_t *)((PTR(area) + BLOCK - 1) & ~(BLOCK - 1));
	struct machine m;

	if (madvise(memory, BLOCK, MADV_HUGEPAGE)) {
		tap_skip("the kernel has no transparent huge pages", "tags in a huge page");
		return;
	}
	machine_open(&m, MACHINE_MTE | MACHINE_MMU);
	machine_slot(&m, TEST_SLOT, 0, TEST_GPA, BLOCK, memory);
	memory[0] = 1;
	tagio_guest_store(&m, TEST_GPA + 65 * PAGE, 6);
	tap_ok(reads(&m, 0, 2, 0, 0) && tags[0] == 6, "one page of a huge page has tags");
	bitmap[1] = 0;
	bitmap[2] = 1UL << 8;
	tap_ok(!call_batch(&m, IN, 0, PAGES, PACKED) && reads(&m, 0, 0, 1UL << 8, 0),
	       "and then another");
	tap_ok(tagio_guest_load(&m, TEST_GPA + 136 * PAGE) == 6 &&
		       tagio_guest_load(&m, TEST_GPA + 65 * PAGE) == 0,
	       "which the guest finds");
	machine_close(&m);
	munmap(area, 2 * BLOCK);
}

static void untaggable(void)
{
	int file = memory_file(SIZE);
	uint8_t *memory = memory_map(SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, file);
	struct machine m;

	machine_open(&m, MACHINE_MTE);
	machine_slot(&m, TEST_SLOT, KVM_MEM_TSR_TAGS_OPTIONAL | KVM_MEM_TSR_TAGS_ON_TOUCH, TEST_GPA,
		     SIZE, memory);
	memory[0] = 1;
	tap_ok(reads(&m, 0, 0, 0, 0), "memory that cannot hold tags has none");
	memset(bitmap, 0, sizeof(bitmap));
	tap_ok(!call_batch(&m, IN, 0, PAGES, 0), "and may be given none");
	bitmap[0] = 1UL << 5;
	tap_errno(call_batch(&m, IN, 0, PAGES, PACKED), EFAULT, "but not some");
	tap_ok(done(5, 0), "up to there is done");
	machine_close(&m);
	munmap(memory, SIZE);
	close(file);
}

static void read_only(void)
{
	struct machine m;
	void *memory;

	machine_open(&m, MACHINE_MTE | MACHINE_MMU);
	memory = tagio_slot(&m, 0, SIZE);
	tagio_guest_store(&m, TEST_GPA + 4 * PAGE, 2);
	machine_slot(&m, TEST_SLOT, 0, TEST_GPA, 0, memory);
	machine_slot(&m, TEST_SLOT, KVM_MEM_READONLY, TEST_GPA, SIZE, memory);
	tap_ok(reads(&m, 1UL << 4, 0, 0, 0), "from a READONLY slot");
	bitmap[0] = 0;
	tap_errno(call_batch(&m, IN, 0, PAGES, 0), EFAULT, "whose tags cannot be taken");
	tap_ok(done(4, 0), "up to there is done");
	tap_ok(!call_batch(&m, IN, 5, PAGES - 5, 0), "where there are none, nothing is to be done");
	machine_close(&m);
	munmap(memory, SIZE);
}

static void logged(void)
{
	uint64_t bits[WORDS] = { 0 };
	struct machine m;
	void *memory;

	machine_open(&m, MACHINE_MTE | MACHINE_MMU);
	memory = tagio_slot(&m, 0, SIZE);
	tagio_guest_store(&m, TEST_GPA + 4 * PAGE, 2);
	machine_slot(&m, TEST_SLOT, LOG, TEST_GPA, SIZE, memory);
	memset(bitmap, 0, sizeof(bitmap));
	bitmap[1] = 1;
	tap_ok(reads(&m, 1UL << 4, 0, 0, 0) && !tagio_dirty(&m, bits) && !bits[0],
	       "reading marks nothing in a log");
	bitmap[0] = 0;
	bitmap[1] = 1;
	tap_ok(!call_batch(&m, IN, 0, PAGES, PACKED) && !tagio_dirty(&m, bits) &&
		       bits[0] == 1UL << 4 && bits[1] == 1 && !bits[2] && !bits[3],
	       "writing marks the pages that changed");
	machine_close(&m);
	munmap(memory, SIZE);
	machine_open(&m, MACHINE_MTE | MACHINE_RING);
	memory = tagio_slot(&m, LOG, SIZE);
	tap_errno(call_batch(&m, IN, 0, PAGES, PACKED), EBUSY, "logged to rings alone");
	tap_ok(done(64, 0), "up to there is done");
	machine_close(&m);
	munmap(memory, SIZE);
}

/* --- While others are at work. --- */

/* A signal ends it at a word; from there it goes on, to the end. */
static void signals(void)
{
	const size_t size = 16UL << 30, words = size / PAGE / 64;
	void *memory = memory_map(size, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);
	uint64_t *all = memory_anon(words * 8), at = 0;
	unsigned int interrupted = 0;
	struct machine m;
	bool whole = true;

	machine_open(&m, MACHINE_MTE);
	machine_slot(&m, TEST_SLOT, 0, TEST_GPA, size, memory);
	for (long ret = -EINTR; ret == -EINTR; at += batch.pages_done) {
		batch = (struct kvm_tsr_tag_batch){
			.gpa = TEST_GPA + at * PAGE,
			.pages = size / PAGE - at,
			.bitmap = PTR(all + at / 64),
		};
		alarm_in(3);
		ret = call(m.vm, KVM_TSR_TAG_BATCH, PTR(&batch));
		interrupted += ret == -EINTR;
		whole &= (!ret || ret == -EINTR) && batch.pages_done % 64 == 0;
	}
	alarm_in(0);
	tap_ok(whole && at == size / PAGE, "calls that go on after signals come to the end");
	tap_ok(interrupted > 0, "with EINTR, %u times", interrupted);
	machine_close(&m);
	munmap(memory, size);
	munmap(all, words * 8);
}

static struct race {
	struct machine m;
	_Atomic bool stop;
	unsigned long stores;
} race;

static void *race_guest(void *opaque)
{
	for (unsigned int i = 0; !race.stop; i++, race.stores++)
		if (!tagio_guest_store(&race.m, TEST_GPA + (i % PAGES) * PAGE, i % 3 ? 7 : 0))
			break;
	return NULL;
}

/* A vCPU tags, beside that the VMM reads: each page has what was stored at some time. */
static void races(void)
{
	struct timespec begin, now;
	unsigned int wrong = 0, calls = 0;
	pthread_t thread;
	void *memory;

	machine_open(&race.m, MACHINE_MTE | MACHINE_MMU);
	memory = tagio_slot(&race.m, 0, SIZE);
	pthread_create(&thread, NULL, race_guest, NULL);
	clock_gettime(CLOCK_MONOTONIC, &begin);
	do {
		memset(tags, 0, sizeof(tags));
		wrong += call_batch(&race.m, OUT, 0, PAGES, sizeof(tags)) != 0;
		for (unsigned int i = 0; i < sizeof(tags); i++)
			wrong += tags[i] != (i % PACKED || i >= batch.tags_done ? 0 : 7);
		wrong += call_batch(&race.m, IN, 0, PAGES, sizeof(tags)) != 0;
		calls++;
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (now.tv_sec - begin.tv_sec < 2);
	race.stop = true;
	pthread_join(thread, NULL);
	tap_ok(!wrong && race.stores > 20,
	       "%u calls each way beside %lu tags stored by a vCPU (%u wrong)", calls, race.stores,
	       wrong);
	machine_close(&race.m);
	munmap(memory, SIZE);
}

void test_tagbatch(void)
{
	if (!env.tsr || !env.mte) {
		tap_skip(env_lacks(NEED_TSR | NEED_MTE), "TSR_TAG_BATCH");
		return;
	}
	bad_input();
	contents();
	every_nibble();
	ends();
	two_slots();
	cached();
	huge();
	untaggable();
	read_only();
	logged();
	signals();
	races();
}
