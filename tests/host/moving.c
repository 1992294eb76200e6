/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The host moves the guest's memory about while vCPUs use all of it: copy on
 * write after fork(), same-page merging, swapping, compaction, large pages made
 * and broken, mappings protected, moved and put back, attributes set and cleared.
 * No store is lost, no tag, and none goes to a page that is no longer the guest's
 * (the guest is moving_guest.S). Tags are lazy in every other trial, and when all comes at once.
 *
 * usage: test-moving [SECONDS]     (of each trial; swap is on, if it is to be tried)
 */
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/kvm.h>

#include "moving_guest.h"
#include "uapi/tessera.h"
#include "tessera/clock.h"
#include "tessera/vcpu.h"

#define PARAMS_GPA UINT64_C(0x40000000)
#define CODE_GPA   UINT64_C(0x40002000)
#define PAGES_GPA  UINT64_C(0x80000000)
#define EXIT_GPA   UINT64_C(0x09040000)
#define VCPUS	   3
#define PAGES	   1024
#define BYTES	   (PAGES * TSR_PAGE_SIZE)
#define NOT_ENDED  UINT64_MAX

/* A trial goes on, to a limit, until a vCPU has met what the host did in some rounds. */
#define ROUNDS_LEAST  4
#define SECONDS_LIMIT 10

/* Translation table descriptors: Arm ARM D8.3.1. */
#define DESC_BLOCK  (UINT64_C(1) | 1 << 10 | 3 << 8) /* valid, AF, inner shareable */
#define DESC_TAGGED (UINT64_C(1) << 2)
#define DESC_NORMAL (UINT64_C(2) << 2)
#define DESC_XN	    (UINT64_C(3) << 53)

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

struct rig {
	struct tsr_host host;
	struct tsr_vm vm;
	struct tsr_ram ram;
	struct tsr_vcpu vcpus[VCPUS];
	unsigned char *at;	 /* the guest's pages */
	_Atomic uint64_t status; /* what the guest ended with, or NOT_ENDED */
	_Atomic uint64_t faults; /* MEMORY_FAULT exits, answered by another try */
	_Atomic bool failed;	 /* an exit that was not expected */
};

static int tests_done;

static void ok(bool passed, const char *name, const char *what)
{
	printf("%sok %d - %s: %s\n", passed ? "" : "not ", ++tests_done, name, what);
}

static void die(const char *what)
{
	printf("Bail out! %s\n", what);
	exit(1);
}

/* A range of pages of 1 to @most, anywhere. */
static struct tsr_range some_pages(uint64_t most)
{
	uint64_t count = 1 + (uint64_t)rand() % most;
	uint64_t first = (uint64_t)rand() % (PAGES - count + 1);

	return (struct tsr_range){ first * TSR_PAGE_SIZE, (first + count) * TSR_PAGE_SIZE };
}

static void sysfs_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd >= 0) {
		if (write(fd, text, strlen(text)) < 0)
			printf("# %s: not written\n", path);
		close(fd);
	}
}

/* --- What the host does. Each may be called at any time, and leaves all as it was. --- */

static void host_forks(struct rig *rig)
{
	pid_t child = fork();

	if (child < 0)
		die("fork");
	if (!child) {
		usleep(2000);
		_exit(0);
	}
	waitpid(child, NULL, 0);
}

static void protect_some(struct rig *rig, int prot)
{
	struct tsr_range r = some_pages(64);

	if (mprotect(rig->at + r.start, r.end - r.start, prot))
		die("mprotect");
	usleep(200);
	if (mprotect(rig->at + r.start, r.end - r.start, PROT_READ | PROT_WRITE))
		die("mprotect back");
}

static void host_write_protects(struct rig *rig)
{
	protect_some(rig, PROT_READ);
}

static void host_protects(struct rig *rig)
{
	protect_some(rig, PROT_NONE);
}

static void host_moves(struct rig *rig)
{
	struct tsr_range r = some_pages(64);
	size_t size = r.end - r.start;
	void *away = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (away == MAP_FAILED ||
	    mremap(rig->at + r.start, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, away) != away)
		die("mremap away");
	usleep(200);
	if (mremap(away, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, rig->at + r.start) !=
	    rig->at + r.start)
		die("mremap back");
}

/* What has no large page to make is no reason to stop. */
static void host_collapses(struct rig *rig)
{
	struct tsr_range r = some_pages(1);

	madvise(rig->at, BYTES, MADV_HUGEPAGE);
	madvise(rig->at, BYTES, MADV_COLLAPSE);
	usleep(1000);
	if (mprotect(rig->at + r.start, TSR_PAGE_SIZE, PROT_READ) ||
	    mprotect(rig->at + r.start, TSR_PAGE_SIZE, PROT_READ | PROT_WRITE))
		die("mprotect of a page");
}

/* Pages of which all vCPUs have counted as far are equal. */
static void host_merges(struct rig *rig)
{
	sysfs_write("/sys/kernel/mm/ksm/pages_to_scan", "4000");
	sysfs_write("/sys/kernel/mm/ksm/sleep_millisecs", "1");
	sysfs_write("/sys/kernel/mm/ksm/run", "1");
	madvise(rig->at, BYTES, MADV_MERGEABLE);
	usleep(50000);
	if (rand() % 4 == 0)
		madvise(rig->at, BYTES, MADV_UNMERGEABLE);
}

static void host_compacts(struct rig *rig)
{
	sysfs_write("/proc/sys/vm/compact_memory", "1");
}

static void host_swaps(struct rig *rig)
{
	struct tsr_range r = some_pages(256);

	madvise(rig->at + r.start, r.end - r.start, MADV_PAGEOUT);
	usleep(200);
}

static void attributes(struct rig *rig, struct tsr_range r, uint64_t flags)
{
	struct kvm_memory_attributes request = {
		.address = PAGES_GPA + r.start,
		.size = r.end - r.start,
		.attributes = KVM_MEMORY_ATTRIBUTE_NW |
			      (r.start & TSR_PAGE_SIZE ? KVM_MEMORY_ATTRIBUTE_NR : 0),
		.flags = flags,
	};

	if (ioctl(rig->vm.fd, KVM_SET_MEMORY_ATTRIBUTES, &request))
		die("KVM_SET_MEMORY_ATTRIBUTES");
}

static void vmm_restricts(struct rig *rig)
{
	struct tsr_range r = some_pages(700);

	attributes(rig, r, KVM_MEMORY_ATTRIBUTES_SET);
	usleep(200);
	attributes(rig, r, KVM_MEMORY_ATTRIBUTES_CLEAR);
}

static const struct action {
	const char *name;
	void (*act)(struct rig *rig);
} actions[] = {
	{ "fork", host_forks },
	{ "write protection", host_write_protects },
	{ "no access", host_protects },
	{ "mremap", host_moves },
	{ "large pages", host_collapses },
	{ "KSM", host_merges },
	{ "compaction", host_compacts },
	{ "swap", host_swaps },
	{ "attributes", vmm_restricts },
};

#define ACTIONS (sizeof(actions) / sizeof(actions[0]))

/* --- The VM. --- */

static void write_guest(struct rig *rig, uint64_t gpa, const void *data, size_t size)
{
	if (tsr_ram_write(&rig->ram, gpa, data, size))
		die("no guest memory");
}

static uint64_t read_word(struct rig *rig, uint64_t gpa)
{
	uint64_t word = 0;

	if (tsr_ram_read(&rig->ram, gpa, &word, sizeof(word)))
		die("no guest memory");
	return word;
}

static void load_guest(struct rig *rig, bool mte)
{
	uint64_t normal = DESC_BLOCK | (mte ? DESC_TAGGED : DESC_NORMAL);
	uint64_t params[] = {
		[PARAM_BASE / 8] = PAGES_GPA,
		[PARAM_PAGES / 8] = PAGES,
		[PARAM_TAGS / 8] = mte,
		[PARAM_VCPUS / 8] = VCPUS,
	};
	uint64_t table[] = {
		DESC_BLOCK | DESC_XN,
		UINT64_C(0x40000000) | normal,
		UINT64_C(0x80000000) | normal | DESC_XN,
	};

	write_guest(rig, PARAMS_GPA, params, sizeof(params));
	write_guest(rig, PARAMS_GPA + TSR_PAGE_SIZE, table, sizeof(table));
	write_guest(rig, CODE_GPA, moving_guest_start,
		    (size_t)(moving_guest_end - moving_guest_start));
}

static void open_vcpus(struct rig *rig)
{
	struct tsr_why why;
	uint64_t x0 = PARAMS_GPA;

	for (unsigned int i = 0; i < VCPUS; i++)
		if (tsr_vcpu_create(&rig->vcpus[i], &rig->vm, i, &why) ||
		    tsr_vcpu_reset(&rig->vcpus[i], &why))
			die(why.text);
	if (tsr_vcpu_set_entry(&rig->vcpus[0], CODE_GPA, &x0, 1, &why))
		die(why.text);
}

static void rig_open(struct rig *rig, enum tsr_ram_kind kind, bool lazy)
{
	struct tsr_ram_spec specs[] = {
		{ .gpa = { PARAMS_GPA, PARAMS_GPA + (1 << 20) }, .kind = TSR_RAM_ANON },
		{ .gpa = { PAGES_GPA, PAGES_GPA + BYTES }, .kind = kind },
	};
	struct tsr_why why;
	bool mte;

	memset(rig, 0, sizeof(*rig));
	rig->status = NOT_ENDED;
	if (tsr_ram_create(&rig->ram, specs, 2, &why) ||
	    tsr_host_open(&rig->host, "/dev/kvm", &why))
		die(why.text);
	rig->at = tsr_ram_find(&rig->ram, PAGES_GPA)->host;
	mte = tsr_check_extension(rig->host.fd, KVM_CAP_ARM_MTE);
	load_guest(rig, mte);
	if (tsr_vm_create(&rig->vm, &rig->host, 32, mte, &why) ||
	    (mte && lazy && tsr_vm_lazy_tags(&rig->vm, &why)) ||
	    tsr_vm_add_ram(&rig->vm, &rig->ram, TSR_SLOT_NONE, &why))
		die(why.text);
	open_vcpus(rig);
}

static void rig_close(struct rig *rig)
{
	for (unsigned int i = 0; i < VCPUS; i++)
		tsr_vcpu_destroy(&rig->vcpus[i]);
	tsr_vm_destroy(&rig->vm);
	tsr_host_close(&rig->host);
	tsr_ram_destroy(&rig->ram);
}

struct loop {
	struct rig *rig;
	struct tsr_vcpu *vcpu;
};

/* What the guest may not touch now it may touch again soon. */
static void *vcpu_loop(void *opaque)
{
	struct loop *loop = opaque;
	struct rig *rig = loop->rig;
	struct tsr_exit exit;

	while (rig->status == NOT_ENDED && !rig->failed) {
		tsr_vcpu_run(loop->vcpu, &exit);
		if (exit.kind == TSR_EXIT_FAULT) {
			rig->faults++;
			sched_yield();
		} else if (exit.kind == TSR_EXIT_MMIO && exit.mmio.gpa == EXIT_GPA) {
			rig->status = exit.mmio.value;
		} else if (exit.kind != TSR_EXIT_KICKED) {
			rig->failed = true;
		}
	}
	return NULL;
}

static bool trial_goes_on(struct rig *rig, uint64_t start, uint64_t seconds)
{
	uint64_t now = (tsr_clock_ns() - start) / UINT64_C(1000000000);

	if (rig->failed || now >= seconds * SECONDS_LIMIT)
		return false;
	return now < seconds || read_word(rig, PAGES_GPA) < ROUNDS_LEAST;
}

/* Runs the guest for so long, the host acting all the while; how often it did. */
static uint64_t rig_run(struct rig *rig, const struct action *action, uint64_t seconds)
{
	uint64_t start = tsr_clock_ns(), acts = 0, one = 1;
	struct loop loops[VCPUS];

	for (unsigned int i = 0; i < VCPUS; i++) {
		loops[i] = (struct loop){ rig, &rig->vcpus[i] };
		if (tsr_vcpu_start(&rig->vcpus[i], vcpu_loop, &loops[i]))
			die("no thread");
	}
	while (trial_goes_on(rig, start, seconds)) {
		(action ? action : &actions[(size_t)rand() % ACTIONS])->act(rig);
		acts++;
	}
	write_guest(rig, PARAMS_GPA + PARAM_STOP, &one, sizeof(one));
	tsr_vcpu_join(&rig->vcpus[0]);
	for (unsigned int i = 1; i < VCPUS; i++) {
		tsr_vcpu_kick(&rig->vcpus[i]);
		tsr_vcpu_join(&rig->vcpus[i]);
	}
	sysfs_write("/sys/kernel/mm/ksm/run", "2");
	return acts;
}

/* Each vCPU's counts, as the VMM reads them. */
static uint64_t wrong_words(struct rig *rig, uint64_t *rounds)
{
	uint64_t wrong = 0;

	*rounds = 0;
	for (unsigned int i = 0; i < VCPUS; i++) {
		uint64_t want = read_word(rig, PARAMS_GPA + PARAM_ROUNDS + 8 * i);

		*rounds += want;
		for (uint64_t page = 0; page < PAGES; page++) {
			uint64_t at = PAGES_GPA + page * TSR_PAGE_SIZE;

			wrong += read_word(rig, at + COUNT_STEP * i) != want;
			wrong += read_word(rig, at + GRANULES + 16 * i) != want;
		}
	}
	return wrong;
}

static void run_trial(enum tsr_ram_kind kind, const struct action *action, bool lazy,
		      uint64_t seconds)
{
	uint64_t acts, rounds, wrong;
	struct rig rig;
	char name[64];

	snprintf(name, sizeof(name), "%s, %s%s", tsr_ram_kind_name(kind),
		 action ? action->name : "all at once", lazy ? ", lazy tags" : "");
	rig_open(&rig, kind, lazy);
	acts = rig_run(&rig, action, seconds);
	wrong = wrong_words(&rig, &rounds);
	printf("# %s: %" PRIu64 " times, %" PRIu64 " rounds, %" PRIu64 " faults\n", name, acts,
	       rounds, rig.faults);
	ok(!rig.failed && rig.status == 0, name, "the guest finds all as it left it");
	ok(!wrong && rounds, name, "and so does the VMM");
	rig_close(&rig);
}

int main(int argc, char **argv)
{
	static const enum tsr_ram_kind kinds[] = { TSR_RAM_ANON, TSR_RAM_MEMFD };
	uint64_t seconds = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;

	setvbuf(stdout, NULL, _IOLBF, 0);
	tsr_vcpu_signal_init();
	for (size_t kind = 0; kind < sizeof(kinds) / sizeof(kinds[0]); kind++) {
		for (size_t i = 0; i < ACTIONS; i++)
			run_trial(kinds[kind], &actions[i], (i + kind) % 2, seconds);
		run_trial(kinds[kind], NULL, true, 5 * seconds);
	}
	printf("1..%d\n", tests_done);
	return 0;
}
