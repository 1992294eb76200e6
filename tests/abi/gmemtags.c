// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Private memory of VMs with MTE, tags lazy and not: docs/abi.md 4.6 and section 6. Whose tags
 * a page has, what conversions leave of them, and that the VMM sees none but its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "groups.h"
#include "guest.h"
#include "rows.h"
#include "tagio.h"
#include "tap.h"

#define PRIVATE KVM_MEMORY_ATTRIBUTE_PRIVATE
#define SEEN	(GUEST_MEMFD_FLAG_MMAP | GUEST_MEMFD_FLAG_INIT_SHARED)
#define PAGES	64UL
#define SIZE	(PAGES * PAGE)

struct room {
	struct machine m;
	int fd;
	uint8_t *memory; /* at the slot's address, or the file mapped */
};

static void room_open(struct room *r, uint64_t file_flags, uint32_t slot_flags)
{
	machine_open(&r->m, tagio_mte | MACHINE_MMU);
	machine_checks(&r->m, false);
	r->fd = (int)machine_gmem(&r->m, SIZE, file_flags);
	r->memory = file_flags ? memory_map(SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, r->fd)
			       : memory_anon(SIZE);
	if (machine_gmem_slot(&r->m, TEST_SLOT, slot_flags, TEST_GPA, SIZE,
			      file_flags ? NULL : r->memory, r->fd, 0) < 0)
		tap_ok(false, "a slot with guest_memfd and MTE");
}

static void room_close(struct room *r)
{
	close(r->fd);
	machine_close(&r->m);
	munmap(r->memory, SIZE);
}

static void convert(struct room *r, uint64_t page, uint64_t pages, bool private)
{
	tap_errno(machine_attr(&r->m, TEST_GPA + page * PAGE, pages * PAGE, PRIVATE,
			       private ? KVM_MEMORY_ATTRIBUTES_SET : KVM_MEMORY_ATTRIBUTES_CLEAR),
		  0, "%llu pages become %s", (unsigned long long)pages,
		  private ? "private" : "shared");
}

static bool stores(struct room *r, uint64_t page, unsigned int tag)
{
	return tagio_guest_store(&r->m, TEST_GPA + page * PAGE, tag);
}

static bool has(struct room *r, uint64_t page, unsigned int want)
{
	unsigned int tag = tagio_guest_load(&r->m, TEST_GPA + page * PAGE);

	if (tag == want)
		return true;
	tap_note("page %llu: tag %u in place of %u", (unsigned long long)page, tag, want);
	return false;
}

static uint64_t file_pages(const struct room *r)
{
	struct stat stat;

	return fstat(r->fd, &stat) ? ~0ULL : (uint64_t)stat.st_blocks / (PAGE / 512);
}

static void split(void)
{
	struct room r;

	room_open(&r, 0, 0);
	tap_ok(stores(&r, 0, 3) && has(&r, 0, 3), "a shared page with a tag");
	convert(&r, 0, 2, true);
	tap_ok(has(&r, 0, 0), "private it has none of it");
	tap_ok(stores(&r, 0, 5) && stores(&r, 1, 6) && has(&r, 0, 5) && has(&r, 1, 6),
	       "and gets tags of its own");
	convert(&r, 0, 1, false);
	tap_ok(has(&r, 0, 3), "shared again it has the shared one's");
	tap_ok(has(&r, 1, 6), "the private one beside it its own");
	convert(&r, 0, 1, true);
	tap_ok(has(&r, 0, 0) && file_pages(&r) == 2, "and nothing of the private one's");
	tap_ok(stores(&r, 1, 7) &&
		       !fallocate(r.fd, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, PAGE, PAGE) &&
		       has(&r, 1, 0),
	       "a hole takes tags along");
	room_close(&r);
}

static void seen(void)
{
	struct room r;

	room_open(&r, SEEN, 0);
	r.memory[0] = 1;
	tap_ok(stores(&r, 0, 3) && has(&r, 0, 3) && r.memory[0] == 1,
	       "a page that the VMM has mapped, with a tag");
	convert(&r, 0, 1, true);
	tap_ok(has(&r, 0, 0) && stores(&r, 0, 5), "private: none, and then its own");
	convert(&r, 0, 1, false);
	tap_ok(has(&r, 0, 0) && r.memory[0] == 0, "shared: none");
	tap_ok(!tagio_host_map(SIZE, MAP_SHARED, r.fd), "the VMM cannot map it with PROT_MTE");
	room_close(&r);
}

static long copy(struct room *r, uint64_t page, uint64_t pages, uint64_t flags)
{
	struct kvm_arm_copy_mte_tags copy = {
		.guest_ipa = TEST_GPA + page * PAGE,
		.length = pages * PAGE,
		.addr = tagio_tags,
		.flags = flags,
	};

	return call(r->m.vm, KVM_ARM_MTE_COPY_TAGS, PTR(&copy));
}

/* The VMM's calls for tags end at the first page that it may not see, whichever way they go. */
static void kept_out(void)
{
	static const uint64_t files[] = { 0, GUEST_MEMFD_FLAG_MMAP, SEEN };

	for (unsigned int i = 0; i < ROW_COUNT(files); i++) {
		const char *name = i == 0 ? "no MMAP" : i == 1 ? "MMAP" : "INIT_SHARED";
		uint64_t first = i == 1 ? 0 : 2;
		struct room r;

		room_open(&r, files[i], 0);
		convert(&r, 2, 2, true);
		for (uint64_t page = 0; page < 6; page++)
			stores(&r, page, 9);
		tap_errno(copy(&r, 2, 1, KVM_ARM_TAGS_FROM_GUEST), EFAULT,
			  "%s: COPY_TAGS of a private page", name);
		tap_errno(copy(&r, 2, 1, KVM_ARM_TAGS_TO_GUEST), EFAULT, "%s: and to it", name);
		tap_ok(copy(&r, 0, 4, KVM_ARM_TAGS_FROM_GUEST) ==
			       (first ? (long)(first * PAGE) : -EFAULT),
		       "%s: COPY_TAGS ends there", name);
		tap_errno(tagio_call(&r.m, 0, 0, PAGES, sizeof(tagio_tags)), EFAULT,
			  "%s: TAG_BATCH ends there", name);
		tap_ok(tagio_done(first, first), "%s: what it may see is done", name);
		memset(tagio_bitmap, 0, sizeof(tagio_bitmap));
		tap_errno(tagio_call(&r.m, KVM_TSR_TAG_BATCH_TO_GUEST, 2, 2, 0), EFAULT,
			  "%s: nor are tags taken away", name);
		tap_ok(has(&r, 2, 9) && has(&r, 3, 9) && has(&r, 0, 9), "%s: all are there", name);
		room_close(&r);
	}
}

/* Of shared pages of a file it has them, and makes none for that. */
static void shared_file(void)
{
	uint64_t pages;
	struct room r;

	room_open(&r, SEEN, 0);
	stores(&r, 3, 4);
	pages = file_pages(&r);
	tap_ok(!tagio_call(&r.m, 0, 0, PAGES, TAGIO_PACKED) && tagio_done(PAGES, 1) &&
		       tagio_bitmap[0] == 1UL << 3 && tagio_tags[0] == 4,
	       "TAG_BATCH of shared pages of a file");
	tap_ok(file_pages(&r) == pages, "which makes no pages");
	memset(tagio_tags, 0xb, PAGE_GRANULES);
	tap_ok(copy(&r, 7, 1, KVM_ARM_TAGS_TO_GUEST) == (long)PAGE && has(&r, 7, 0xb),
	       "COPY_TAGS to one");
	memset(tagio_bitmap, 0, sizeof(tagio_bitmap));
	tap_ok(!tagio_call(&r.m, KVM_TSR_TAG_BATCH_TO_GUEST, 0, PAGES, 0) && has(&r, 3, 0) &&
		       has(&r, 7, 0),
	       "TAG_BATCH takes them away");
	room_close(&r);
}

/* Tags are optional where the shared memory cannot hold any; what is private can. */
static void beside_a_file(void)
{
	int file = memory_file(SIZE);
	struct room r = { .fd = -1 };

	machine_open(&r.m, tagio_mte | MACHINE_MMU);
	machine_checks(&r.m, false);
	r.fd = (int)machine_gmem(&r.m, SIZE, 0);
	r.memory = memory_map(SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, file);
	tap_errno(machine_gmem_slot(&r.m, TEST_SLOT, 0, TEST_GPA, SIZE, r.memory, r.fd, 0), EINVAL,
		  "over page cache: a slot without TAGS_OPTIONAL");
	tap_errno(machine_gmem_slot(&r.m, TEST_SLOT,
				    KVM_MEM_TSR_TAGS_OPTIONAL | KVM_MEM_TSR_TAGS_ON_TOUCH, TEST_GPA,
				    SIZE, r.memory, r.fd, 0),
		  0, "and with it");
	convert(&r, 0, 1, true);
	tap_ok(stores(&r, 0, 2) && has(&r, 0, 2), "a private page holds tags, without an exit");
	machine_call(&r.m, guest_stg, TEST_GPA + PAGE, 2);
	tap_ok(machine_faulted(&r.m, machine_run(&r.m), KVM_MEMORY_EXIT_FLAG_TAG, TEST_GPA + PAGE),
	       "a shared one exits with TAG alone");
	convert(&r, 1, 1, true);
	tap_ok(machine_run(&r.m) == 0 && machine_done(&r.m, NULL) && has(&r, 1, 2),
	       "and goes on when it is private");
	room_close(&r);
	close(file);
}

static void no_tag_access(void)
{
	struct room r;

	if (!env.notag) {
		tap_skip(env_lacks(NEED_NOTAG), "NT and PRIVATE");
		return;
	}
	room_open(&r, 0, 0);
	convert(&r, 0, 1, true);
	machine_attr(&r.m, TEST_GPA, PAGE, KVM_MEMORY_ATTRIBUTE_NT, KVM_MEMORY_ATTRIBUTES_SET);
	machine_call(&r.m, guest_stg, TEST_GPA, 2);
	tap_ok(machine_faulted(&r.m, machine_run(&r.m), KVM_MEMORY_EXIT_FLAG_TAG, TEST_GPA),
	       "NT on a private page: TAG alone");
	tap_ok(machine_finishes(&r.m, guest_str, TEST_GPA, 1, NULL) && file_pages(&r) == 1,
	       "which stays private");
	machine_attr(&r.m, TEST_GPA, PAGE, KVM_MEMORY_ATTRIBUTE_NT, KVM_MEMORY_ATTRIBUTES_CLEAR);
	tap_ok(stores(&r, 0, 2) && has(&r, 0, 2), "and has its tags when NT goes");
	room_close(&r);
}

static void each(unsigned int flags)
{
	tap_note("tags are %s", flags & MACHINE_LAZY ? "lazy" : "there at once");
	tagio_mte = flags;
	split();
	seen();
	kept_out();
	shared_file();
	beside_a_file();
	no_tag_access();
}

void test_gmemtags(void)
{
	if (!env.tsr || !env.mte) {
		tap_skip(env_lacks(NEED_TSR | NEED_MTE), "tags of private memory");
		return;
	}
	each(MACHINE_MTE);
	each(MACHINE_MTE | MACHINE_LAZY);
}
