// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Lazy tags and what else the host does with memory: fork, same-page merging, swap, PROT_MTE
 * in the VMM, other VMs, holes, huge pages. No tag is lost, none is seen where it does not
 * belong, and the VMM is not asked.
 *
 * With swap on, and huge pages of 2 MiB in the pool.
 */
#include <err.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "groups.h"
#include "guest.h"
#include "rows.h"
#include "tap.h"

#define EAGER (MACHINE_MTE | MACHINE_MMU)
#define LAZY  (EAGER | MACHINE_LAZY)
#define PAGES 4UL
#define SIZE  (PAGES * PAGE)
#define TAG   KVM_MEMORY_EXIT_FLAG_TAG

#ifndef PROT_MTE
#define PROT_MTE 0x20
#endif

static uint64_t page_gpa(uint64_t page)
{
	return TEST_GPA + page * PAGE;
}

static bool tag_is(struct machine *m, uint64_t page, uint64_t tag)
{
	uint64_t value = 99;

	if (machine_finishes(m, guest_ldg, page_gpa(page), 0, &value) && value == tag)
		return true;
	machine_explain(m, 0);
	tap_note("page %lu: tag %lu, should be %lu", (unsigned long)page, (unsigned long)value,
		 (unsigned long)tag);
	return false;
}

static bool tag_set(struct machine *m, uint64_t page, uint64_t tag)
{
	return machine_finishes(m, guest_stg, page_gpa(page), tag, NULL);
}

/* The VMM's own tags, at an address that is mapped with PROT_MTE. */
static void own_tag_set(void *at, uint64_t tag)
{
	uint64_t pointer = (uint64_t)at | tag << 56;

	asm volatile(".arch_extension memtag\n\tstg %0, [%0]" : : "r"(pointer) : "memory");
}

static uint64_t own_tag(void *at)
{
	uint64_t pointer = (uint64_t)at;

	asm volatile(".arch_extension memtag\n\tldg %0, [%0]" : "+r"(pointer) : : "memory");
	return pointer >> 56 & 15;
}

/* Small pages that the guest has stored to, and page 0's tag is 5. */
static uint8_t *begin(struct machine *m)
{
	uint8_t *memory = memory_anon(SIZE);

	madvise(memory, SIZE, MADV_NOHUGEPAGE);
	machine_open(m, LAZY);
	machine_checks(m, false);
	machine_slot(m, TEST_SLOT, 0, TEST_GPA, SIZE, memory);
	for (uint64_t page = 0; page < PAGES; page++)
		machine_finishes(m, guest_str, page_gpa(page), 0x77, NULL);
	tag_set(m, 0, 5);
	return memory;
}

static void end(struct machine *m, uint8_t *memory)
{
	machine_close(m);
	munmap(memory, SIZE);
}

static void sysfs_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd >= 0) {
		if (write(fd, text, strlen(text)) < 0)
			tap_note("%s: not written", path);
		close(fd);
	}
}

static int sysfs_read(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char text[32] = "";
	int value = -1;

	if (fd < 0)
		return -1;
	if (read(fd, text, sizeof(text) - 1) > 0)
		value = (int)strtol(text, NULL, 10);
	close(fd);
	return value;
}

/* A child shares every page; it looks at the end whether its own are as they were. */
static void forked(void)
{
	struct machine m;
	uint8_t *memory = begin(&m);
	int go[2], status = -1;
	pid_t child;
	char byte = 0;

	if (pipe(go))
		err(2, "no pipe");
	child = fork();
	if (!child) {
		close(go[1]);
		if (read(go[0], &byte, 1) < 0)
			_exit(2);
		_exit(memory[0] != 0x77 || memory[PAGE] != 0x77);
	}
	tap_ok(tag_is(&m, 0, 5), "after fork(): the tags are there");
	tap_ok(tag_is(&m, 1, 0) && tag_set(&m, 1, 6) && tag_is(&m, 1, 6),
	       "those of a shared page are opened, and written to a copy");
	tap_ok(tag_set(&m, 0, 7) && tag_is(&m, 0, 7) && tag_is(&m, 2, 0), "and so are others");
	machine_finishes(&m, guest_str, page_gpa(0), 1, NULL);
	close(go[0]);
	close(go[1]);
	waitpid(child, &status, 0);
	tap_ok(WIFEXITED(status) && !WEXITSTATUS(status), "the child's memory is as it was");
	tap_ok(tag_is(&m, 0, 7) && tag_is(&m, 1, 6), "the guest's tags when it has gone");
	end(&m, memory);
}

/* Pages of equal contents become one; not those with tags. */
static void merged(void)
{
	struct machine m;
	uint8_t *memory;
	int tries = 100;

	if (!env.notag) {
		tap_skip("every page counts as tagged, and such pages are not merged",
			 "merged pages");
		return;
	}
	memory = begin(&m);
	sysfs_write("/sys/kernel/mm/ksm/pages_to_scan", "1000");
	sysfs_write("/sys/kernel/mm/ksm/sleep_millisecs", "1");
	sysfs_write("/sys/kernel/mm/ksm/run", "1");
	if (madvise(memory, SIZE, MADV_MERGEABLE)) {
		tap_skip("the kernel has no KSM", "merged pages");
		end(&m, memory);
		return;
	}
	while (sysfs_read("/sys/kernel/mm/ksm/pages_sharing") < 2 && --tries)
		usleep(50000);
	tap_ok(tries, "three pages without tags are merged");
	tap_ok(tag_is(&m, 0, 5) && tag_is(&m, 1, 0), "tags of one that is not, and of one that is");
	tap_ok(tag_set(&m, 1, 3) && tag_is(&m, 1, 3) && tag_is(&m, 2, 0) && tag_is(&m, 3, 0),
	       "tags of a merged page are its own");
	sysfs_write("/sys/kernel/mm/ksm/run", "2");
	tap_ok(tag_is(&m, 0, 5) && tag_is(&m, 1, 3) && tag_is(&m, 2, 0), "and stay when it is not");
	end(&m, memory);
}

static bool pages_out(uint8_t *memory)
{
	unsigned char in[PAGES];

	for (int tries = 0; tries < 50; tries++) {
		madvise(memory, SIZE, MADV_PAGEOUT);
		if (!mincore(memory, SIZE, in) && !((in[0] | in[1]) & 1))
			return true;
		usleep(20000);
	}
	return false;
}

static void swapped(void)
{
	struct machine m;
	uint8_t *memory = begin(&m);

	if (!pages_out(memory)) {
		tap_skip("nothing is swapped out: is there swap?", "tags of swapped pages");
		end(&m, memory);
		return;
	}
	tap_ok(tag_is(&m, 0, 5), "tags come back from swap");
	tap_ok(tag_is(&m, 1, 0) && memory[PAGE] == 0x77, "and no others");
	tag_set(&m, 1, 8);
	pages_out(memory);
	machine_finishes(&m, guest_str, page_gpa(1), 1, NULL);
	tap_ok(tag_is(&m, 0, 5) && tag_is(&m, 1, 8),
	       "again, and to a page that is first stored to");
	end(&m, memory);
}

static void vmm_tags(void)
{
	struct machine m;
	uint8_t *memory = begin(&m);

	if (mprotect(memory, SIZE, PROT_READ | PROT_WRITE | PROT_MTE)) {
		tap_skip("the kernel takes no PROT_MTE", "tags that the VMM stores");
		end(&m, memory);
		return;
	}
	tap_ok(own_tag(memory) == 5 && own_tag(memory + PAGE) == 0,
	       "PROT_MTE in the VMM: it sees the guest's tags, and zero elsewhere");
	own_tag_set(memory + PAGE, 9);
	own_tag_set(memory, 6);
	tap_ok(tag_is(&m, 1, 9) && tag_is(&m, 0, 6), "the guest sees the VMM's");
	tag_set(&m, 2, 10);
	tap_ok(own_tag(memory + 2 * PAGE) == 10, "and the VMM those that the guest stores then");
	mprotect(memory, SIZE, PROT_READ | PROT_WRITE);
	tap_ok(tag_is(&m, 1, 9) && tag_is(&m, 2, 10) && tag_is(&m, 3, 0),
	       "they stay when PROT_MTE goes");
	end(&m, memory);
	memory = memory_map(SIZE, PROT_READ | PROT_WRITE | PROT_MTE, MAP_PRIVATE | MAP_ANONYMOUS,
			    -1);
	own_tag_set(memory, 11);
	machine_open(&m, LAZY);
	machine_slot(&m, TEST_SLOT, 0, TEST_GPA, SIZE, memory);
	tap_ok(tag_is(&m, 0, 11) && tag_is(&m, 1, 0), "memory with PROT_MTE from the start");
	end(&m, memory);
}

/* VMs on one memfd, with lazy tags and without, closed here and open there. */
static void two_vms(void)
{
	int memfd = memory_memfd(SIZE);
	uint8_t *memory = memory_map(SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, memfd);
	struct machine lazy, other;

	for (int i = 0; i < 2; i++) {
		const char *kind = i ? "with lazy tags" : "without";

		machine_open(&lazy, LAZY);
		machine_open(&other, i ? LAZY : EAGER);
		machine_slot(&lazy, TEST_SLOT, 0, TEST_GPA, SIZE, memory);
		machine_slot(&other, TEST_SLOT, 0, TEST_GPA, SIZE, memory);
		machine_checks(&lazy, false);
		machine_finishes(&lazy, guest_str, page_gpa(0), 1, NULL);
		machine_finishes(&lazy, guest_str, page_gpa(1), 1, NULL);
		tag_set(&other, 0, 4);
		tap_ok(tag_is(&lazy, 0, 4), "the same memfd in a VM %s: its tags are found", kind);
		tag_set(&lazy, 1, 12);
		tap_ok(tag_is(&other, 1, 12) && tag_is(&other, 0, 4), "and those stored here");
		machine_close(&other);
		if (fallocate(memfd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, (off_t)PAGE))
			err(2, "no hole can be made in a memfd");
		tap_ok(tag_is(&lazy, 0, 0) && tag_is(&lazy, 1, 12), "a hole has no tags");
		machine_close(&lazy);
		if (ftruncate(memfd, 0) || ftruncate(memfd, (off_t)SIZE))
			err(2, "a memfd cannot be emptied");
	}
	munmap(memory, SIZE);
	close(memfd);
}

/* Bits of the pages from TEST_GPA on that KVM_TSR_TAG_BATCH says have tags. */
static uint64_t tagged_pages(struct machine *m)
{
	static uint8_t tags[PAGES * 128];
	uint64_t bitmap = 0;
	struct kvm_tsr_tag_batch batch = {
		.gpa = TEST_GPA,
		.pages = PAGES,
		.bitmap = PTR(&bitmap),
		.tags = PTR(tags),
		.tags_size = sizeof(tags),
	};

	if (call(m->vm, KVM_TSR_TAG_BATCH, PTR(&batch)) || batch.pages_done != PAGES)
		return ~0UL;
	return bitmap;
}

/* The same private memory in two VMs of one process, and twice in one VM. */
static void aliased(void)
{
	struct machine m, other;
	uint8_t *memory = begin(&m);

	machine_open(&other, LAZY);
	machine_slot(&other, TEST_SLOT, 0, TEST_GPA, SIZE, memory);
	machine_slot(&m, TEST_SLOT + 1, 0, page_gpa(16), SIZE, memory);
	tap_ok(tagged_pages(&m) == 1, "one page of them has tags");
	machine_finishes(&other, guest_str, page_gpa(1), 1, NULL);
	machine_finishes(&m, guest_str, page_gpa(17), 1, NULL);
	tag_set(&m, 1, 13);
	tap_ok(tagged_pages(&m) == 3 && tagged_pages(&other) == 3,
	       "the same memory in two slots and in two VMs: each VM knows of tags stored by "
	       "another");
	tap_ok(tag_is(&m, 17, 13) && tag_is(&other, 1, 13) && tag_is(&other, 0, 5),
	       "and its guests find them");
	machine_close(&other);
	end(&m, memory);
}

/* Huge pages of hugetlb hold tags on newer kernels, by one flag; on others none. */
static void huge(void)
{
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB;
	uint8_t *memory = mmap(NULL, BLOCK, PROT_READ | PROT_WRITE | PROT_MTE, flags, -1, 0);
	bool holds = memory != MAP_FAILED;
	struct machine m;

	if (!holds)
		memory = mmap(NULL, BLOCK, PROT_READ | PROT_WRITE, flags, -1, 0);
	if (memory == MAP_FAILED) {
		tap_skip("there are no huge pages", "tags of huge pages");
		return;
	}
	if (holds)
		mprotect(memory, BLOCK, PROT_READ | PROT_WRITE);
	machine_open(&m, LAZY);
	machine_checks(&m, false);
	machine_slot(&m, TEST_SLOT,
		     holds ? 0 : KVM_MEM_TSR_TAGS_OPTIONAL | KVM_MEM_TSR_TAGS_ON_TOUCH, TEST_GPA,
		     BLOCK, memory);
	if (holds) {
		machine_finishes(&m, guest_str, page_gpa(0), 1, NULL);
		tap_ok(tag_is(&m, 3, 0) && tag_set(&m, 3, 14) && tag_is(&m, 3, 14) &&
			       tag_is(&m, 500, 0),
		       "tags of a huge page");
	} else {
		machine_call(&m, guest_ldg, page_gpa(3), 0);
		tap_ok(machine_faulted(&m, machine_run(&m), TAG, page_gpa(3)),
		       "a huge page that holds no tags: TAG");
	}
	machine_close(&m);
	munmap(memory, BLOCK);
}

/*
 * Linux splits a transparent huge page of which a part is to be swapped out; each part gets the
 * tag flag that the first page has.
 */
static void split(void)
{
	uint8_t *map = memory_anon(2 * BLOCK);
	uint8_t *memory = map + (BLOCK - (uintptr_t)map % BLOCK) % BLOCK;
	struct machine m;

	madvise(memory, BLOCK, MADV_HUGEPAGE);
	machine_open(&m, LAZY);
	machine_checks(&m, false);
	machine_slot(&m, TEST_SLOT, 0, TEST_GPA, BLOCK, memory);
	for (uint64_t page = 0; page < 10; page++)
		machine_finishes(&m, guest_str, page_gpa(page), 0x77, NULL);
	tag_set(&m, 7, 5);
	if (madvise(memory + 9 * PAGE, PAGE, MADV_PAGEOUT))
		tap_note("not split");
	tap_ok(tag_is(&m, 7, 5), "a tag of a huge page that is split");
	tap_ok(tag_is(&m, 0, 0) && tag_is(&m, 8, 0) && tag_is(&m, 9, 0), "and no others");
	machine_close(&m);
	munmap(map, 2 * BLOCK);
}

void test_lazy_host(void)
{
	if (!env.tsr || !env.mte) {
		tap_skip(env_lacks(NEED_TSR | NEED_MTE), "lazy tags on a busy host");
		return;
	}
	forked();
	merged();
	swapped();
	vmm_tags();
	two_vms();
	aliased();
	huge();
	split();
}
