// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Tags that are stored and no data with them, and who has to hear of it: dirty logs and rings
 * (docs/abi.md 4.5), READONLY slots (5.3), and a copy of all tags that is made by the log alone
 * while two vCPUs store tags and attributes cut the blocks under them (4.3).
 */
#include <err.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "groups.h"
#include "guest.h"
#include "rows.h"
#include "tagio.h"
#include "tap.h"

#define LOG	 KVM_MEM_LOG_DIRTY_PAGES
#define MAPPED	 (MACHINE_MTE | MACHINE_MMU)
#define FEW	 64UL /* pages of the tables: a word of the log */
#define ACROSS	 40UL /* one of them, and the next */
#define OLD_TAG	 2
#define SOME_TAG 7

static const struct access {
	const char *name;
	const void *snippet;
	bool stores;
} accesses[] = {
	{ "STG", guest_stg, true },	  { "ST2G", guest_st2g, true },
	{ "STZG", guest_stzg, true },	  { "STZ2G", guest_stz2g, true },
	{ "STGP", guest_stgp, true },	  { "STGM", guest_stgm, true },
	{ "DC GVA", guest_dc_gva, true }, { "DC GZVA", guest_dc_gzva, true },
	{ "LDG", guest_ldg, false },	  { "LDGM", guest_ldgm, false },
};

static const char *kind(unsigned int flags)
{
	return flags & MACHINE_LAZY ? "lazy, " : "";
}

static bool does(struct machine *m, const struct access *access, uint64_t gpa, uint64_t tag)
{
	return machine_finishes(m, access->snippet, gpa, tag, NULL);
}

/* --- The log. --- */

/* Are these pages in it, and no others? It is empty then. */
static bool is_log(struct machine *m, uint64_t want)
{
	uint64_t bits = ~want;

	if (tagio_dirty(m, &bits) == 0 && bits == want)
		return true;
	tap_note("the log is %#llx, not %#llx", (unsigned long long)bits, (unsigned long long)want);
	return false;
}

static void access_logged(struct machine *m, const struct access *access, uint64_t page,
			  const char *name)
{
	uint64_t gpa = TEST_GPA + page * PAGE, bit = access->stores ? 1UL << page : 0;

	tap_ok(does(m, access, gpa, SOME_TAG) && is_log(m, bit), "%s%s to a page never touched",
	       name, access->name);
	tap_ok(does(m, access, gpa, SOME_TAG + 1) && is_log(m, bit), "%s%s, again", name,
	       access->name);
	gpa += PAGE;
	tap_ok(machine_finishes(m, guest_ldr, gpa, 0, NULL) && is_log(m, 0) &&
		       does(m, access, gpa, SOME_TAG) && is_log(m, bit << 1),
	       "%s%s to one that was read", name, access->name);
}

static void logged(unsigned int flags)
{
	const char *name = kind(flags);
	uint8_t *memory;
	struct machine m;

	machine_open(&m, MAPPED | flags);
	machine_checks(&m, false);
	memory = tagio_slot(&m, LOG, FEW * PAGE);
	for (unsigned int i = 0; i < ROW_COUNT(accesses); i++)
		access_logged(&m, &accesses[i], 2 * i, name);
	tap_ok(machine_finishes(&m, guest_st2g, TEST_GPA + (ACROSS + 1) * PAGE - GRANULE, 5,
				NULL) &&
		       is_log(&m, 3UL << ACROSS),
	       "%sST2G across pages: both are logged", name);
	tap_ok(tagio_guest_load(&m, TEST_GPA + (ACROSS + 1) * PAGE - GRANULE) == 5 &&
		       tagio_guest_load(&m, TEST_GPA + (ACROSS + 1) * PAGE) == 5 && is_log(&m, 0),
	       "%swhich have the tags", name);
	machine_close(&m);
	munmap(memory, FEW * PAGE);
}

/* The pages of the entries from *first on, which may have several; *first is the next to come. */
static uint64_t ring_pages(const struct kvm_dirty_gfn *ring, unsigned int *first)
{
	uint64_t bits = 0;

	for (; ring[*first].flags & KVM_DIRTY_GFN_F_DIRTY; (*first)++)
		if (ring[*first].slot == TEST_SLOT && ring[*first].offset < FEW)
			bits |= 1UL << ring[*first].offset;
	return bits;
}

static void ringed(unsigned int flags)
{
	struct kvm_dirty_gfn *ring;
	unsigned int next = 0;
	uint8_t *memory;
	struct machine m;

	machine_open(&m, MAPPED | MACHINE_RING | flags);
	machine_checks(&m, false);
	ring = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, m.vcpu,
		    KVM_DIRTY_LOG_PAGE_OFFSET * PAGE);
	if (ring == MAP_FAILED)
		errx(2, "no ring");
	memory = tagio_slot(&m, LOG, FEW * PAGE);
	machine_finishes(&m, guest_ldg, TEST_GPA + PAGE, 0, NULL);
	machine_finishes(&m, guest_stg, TEST_GPA + 2 * PAGE, 1, NULL);
	tap_ok(ring_pages(ring, &next) == 1 << 2,
	       "%sa ring: a tag that is stored has an entry, one read has none", kind(flags));
	machine_finishes(&m, guest_dc_gva, TEST_GPA + 3 * PAGE, 1, NULL);
	machine_finishes(&m, guest_stg, TEST_GPA + 2 * PAGE + GRANULE, 1, NULL);
	tap_ok(ring_pages(ring, &next) == 1 << 3,
	       "%sa ring: another page has one, the same page has not", kind(flags));
	munmap(ring, PAGE);
	machine_close(&m);
	munmap(memory, FEW * PAGE);
}

/* --- READONLY: a tag cannot be stored by the VMM in the guest's place. --- */

static void readonly(unsigned int flags)
{
	uint8_t *memory = memory_anon(FEW * PAGE);
	struct machine m;

	memset(memory, 0x5a, FEW * PAGE);
	machine_open(&m, MAPPED | flags);
	machine_checks(&m, false);
	machine_slot(&m, TEST_SLOT, 0, TEST_GPA, FEW * PAGE, memory);
	for (uint64_t page = 0; page < ROW_COUNT(accesses); page++)
		tagio_guest_store(&m, TEST_GPA + page * PAGE, OLD_TAG);
	machine_slot(&m, TEST_SLOT, 0, 0, 0, NULL);
	machine_slot(&m, TEST_SLOT, KVM_MEM_READONLY, TEST_GPA, FEW * PAGE, memory);
	for (uint64_t page = 0; page < ROW_COUNT(accesses); page++) {
		const struct access *access = &accesses[page];
		uint64_t gpa = TEST_GPA + page * PAGE;
		long ret;

		machine_call(&m, access->snippet, gpa, SOME_TAG);
		ret = machine_run(&m);
		tap_errno(ret, access->stores ? ENOSYS : 0, "%s%s in a READONLY slot", kind(flags),
			  access->name);
		tap_ok(tagio_guest_load(&m, gpa) == OLD_TAG && memory[page * PAGE] == 0x5a,
		       "%swhich changes nothing", kind(flags));
	}
	machine_close(&m);
	munmap(memory, FEW * PAGE);
}

/* --- A copy by the log, of blocks that are cut and whole again. --- */

#define PAGES	       1024UL
#define SIZE	       (PAGES * PAGE)
#define VCPUS	       2U
#define RECORD_SLOT    2
#define RECORD_GPA     0x90000000UL
#define MOST_CUT       600 /* pages that a change of attributes takes */
#define HARVESTS_LEAST 3   /* of the migration, on a host however slow */

/* guest.S knows the offsets. */
struct record {
	uint64_t stop, rounds, mask, offset, seed;
};

struct writer {
	struct machine m;
	pthread_t thread;
	struct record *record;
	bool strange;
};

static uint8_t now[PAGES * PAGE_GRANULES], copy[PAGES * PAGE_GRANULES];

/* What attributes deny is tried until they do not. */
static void *writes(void *arg)
{
	struct writer *w = arg;
	long ret;

	do {
		ret = machine_run(&w->m);
		sched_yield();
	} while (ret == -EINTR || ret == -EAGAIN ||
		 (ret == -EFAULT && w->m.run->exit_reason == KVM_EXIT_MEMORY_FAULT));
	w->strange = ret || !machine_done(&w->m, NULL);
	if (w->strange)
		machine_explain(&w->m, ret);
	return NULL;
}

static void tags_read(struct machine *m, uint64_t page, uint64_t pages, uint8_t *to)
{
	struct kvm_arm_copy_mte_tags request = {
		.guest_ipa = TEST_GPA + page * PAGE,
		.length = pages * PAGE,
		.addr = to + page * PAGE_GRANULES,
		.flags = KVM_ARM_TAGS_FROM_GUEST,
	};

	if (call(m->vm, KVM_ARM_MTE_COPY_TAGS, PTR(&request)) != (long)(pages * PAGE))
		errx(2, "no tags are to be had");
}

static void harvest(struct machine *m)
{
	uint64_t bits[PAGES / 64];

	if (tagio_dirty(m, bits))
		errx(2, "no dirty log");
	for (uint64_t page = 0; page < PAGES; page++)
		if (bits[page / 64] >> page % 64 & 1)
			tags_read(m, page, 1, copy);
}

static void cut(struct machine *m, unsigned int *seed)
{
	uint64_t bits = KVM_MEMORY_ATTRIBUTE_NW, first = (uint64_t)rand_r(seed) % PAGES;
	uint64_t pages = (uint64_t)rand_r(seed) % MOST_CUT + 1;

	if (env.notag && rand_r(seed) % 2)
		bits = KVM_MEMORY_ATTRIBUTE_NT;
	if (pages > PAGES - first)
		pages = PAGES - first;
	if (machine_attr(m, TEST_GPA + first * PAGE, pages * PAGE, bits, 0))
		errx(2, "KVM_SET_MEMORY_ATTRIBUTES");
	usleep(200);
	machine_attr(m, TEST_GPA + first * PAGE, pages * PAGE, 0, 0);
}

static void writers_start(struct writer *w, uint8_t *records)
{
	for (unsigned int i = 0; i < VCPUS; i++) {
		w[i].record = (struct record *)(records + i * PAGE);
		*w[i].record =
			(struct record){ .mask = PAGES - 1, .offset = i * GRANULE, .seed = i + 1 };
		machine_call(&w[i].m, guest_tag_loop, TEST_GPA, RECORD_GPA + i * PAGE);
		if (pthread_create(&w[i].thread, NULL, writes, &w[i]))
			errx(2, "no thread");
	}
	for (unsigned int i = 0; i < VCPUS; i++)
		while (!__atomic_load_n(&w[i].record->rounds, __ATOMIC_ACQUIRE) && !w[i].strange)
			sched_yield();
}

/* Each round has added one to a tag, modulo 16, among the vCPU's own: every other granule. */
static bool writers_end(struct writer *w)
{
	bool right = true;

	for (unsigned int i = 0; i < VCPUS; i++)
		__atomic_store_n(&w[i].record->stop, 1, __ATOMIC_RELEASE);
	for (unsigned int i = 0; i < VCPUS; i++)
		pthread_join(w[i].thread, NULL);
	tags_read(&w[0].m, 0, PAGES, now);
	for (unsigned int i = 0; i < VCPUS; i++) {
		uint64_t sum = 0;

		for (uint64_t g = i; g < sizeof(now); g += VCPUS)
			sum += now[g];
		right &= !w[i].strange && sum % 16 == w[i].record->rounds % 16;
	}
	return right;
}

/* @logs: with a log, from which the copy is made; @cuts: attributes change. */
static void migrate(unsigned int flags, bool logs, bool cuts, const char *name)
{
	const unsigned int ms = getenv("TSR_FULL") ? 10000 : 400;
	uint8_t *raw = memory_anon(SIZE + BLOCK), *records = memory_anon(VCPUS * PAGE);
	uint8_t *memory = (uint8_t *)(((uintptr_t)raw + BLOCK - 1) & ~(BLOCK - 1));
	unsigned int harvests = 0, seed = 1;
	struct writer w[VCPUS] = { 0 };
	struct timespec begin, at;
	uint64_t rounds;
	bool right;

	madvise(memory, SIZE, MADV_HUGEPAGE);
	machine_open(&w[0].m, MAPPED | flags);
	machine_second(&w[1].m, &w[0].m, MAPPED | flags);
	machine_slot(&w[0].m, TEST_SLOT, 0, TEST_GPA, SIZE, memory);
	machine_slot(&w[0].m, RECORD_SLOT, 0, RECORD_GPA, VCPUS * PAGE, records);
	writers_start(w, records);
	if (logs) {
		machine_slot(&w[0].m, TEST_SLOT, LOG, TEST_GPA, SIZE, memory);
		tags_read(&w[0].m, 0, PAGES, copy);
	}
	clock_gettime(CLOCK_MONOTONIC, &begin);
	do {
		usleep(1000);
		if (cuts)
			cut(&w[0].m, &seed);
		if (logs)
			harvest(&w[0].m);
		harvests++;
		clock_gettime(CLOCK_MONOTONIC, &at);
	} while (harvests < HARVESTS_LEAST ||
		 (at.tv_sec - begin.tv_sec) * 1000 + (at.tv_nsec - begin.tv_nsec) / 1000000 < ms);
	right = writers_end(w);
	rounds = w[0].record->rounds + w[1].record->rounds;
	tap_note("%u times, %llu tags stored", harvests, (unsigned long long)rounds);
	tap_ok(right && rounds > VCPUS, "%s%s: no tag is lost", kind(flags), name);
	if (logs) {
		harvest(&w[0].m);
		tap_ok(!memcmp(copy, now, sizeof(now)), "%s%s: the copy has the memory's tags",
		       kind(flags), name);
	}
	machine_close(&w[1].m);
	machine_close(&w[0].m);
	munmap(records, VCPUS * PAGE);
	munmap(raw, SIZE + BLOCK);
}

void test_tagdirty(void)
{
	const unsigned int last = env.tsr ? MACHINE_LAZY : 0;

	if (!env.mte) {
		tap_skip(env_lacks(NEED_MTE), "tags that are stored without data");
		return;
	}
	for (unsigned int flags = 0; flags <= last; flags += MACHINE_LAZY) {
		logged(flags);
		if (env.tsr)
			ringed(flags);
		else
			tap_skip(env_lacks(NEED_TSR), "a ring in a VM without a GIC");
		readonly(flags);
		migrate(flags, true, false, "migration");
		if (env.tsr) {
			migrate(flags, false, true, "attributes change");
			migrate(flags, true, true, "migration, and attributes change");
		} else {
			tap_skip(env_lacks(NEED_TSR), "attributes change");
		}
	}
}
