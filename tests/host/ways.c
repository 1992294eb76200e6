/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The ways in which a VMM could access memory whose tags are the guest's business, in a process
 * that has its own heap checked synchronously (glibc.mem.tagging=3): which of them work, where
 * they end, and what each costs. docs/abi.md has the table; libtessera uses the first.
 *
 * The memory is a memfd. A mapping with PROT_MTE stands for the guest: tags are stored through
 * it, no pointer in this program has them. Every access that is expected to fail is caught.
 *
 * usage: test-ways FOLDER    (on a file system that cannot hold tags)
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define PAGE	     4096UL
#define HWCAP2_TAGS  (1UL << 18) /* HWCAP2_MTE */
#define MAP_TAGS     0x20	 /* PROT_MTE */
#define FAULT_SYNC   9		 /* SEGV_MTESERR */
#define CHECK_SYNC   (PR_TAGGED_ADDR_ENABLE | PR_MTE_TCF_SYNC | 0xfffeUL << PR_MTE_TAG_SHIFT)
#define CHECK_NONE   (PR_TAGGED_ADDR_ENABLE | PR_MTE_TCF_NONE | 0xfffeUL << PR_MTE_TAG_SHIFT)
#define ROUNDS	     20000
#define WORD	     UINT64_C(0x0123456789abcdef)
#define TAG_OF_GUEST 5UL

#define MTE ".arch_extension memtag\n\t"

/* Both of the same page. */
static uint64_t *untagged, *tagged;

static int tests_done;

static void ok(bool passed, const char *what)
{
	printf("%sok %d - %s\n", passed ? "" : "not ", ++tests_done, what);
}

static void bail(const char *what)
{
	printf("Bail out! %s: %s\n", what, strerror(errno));
	exit(1);
}

static sigjmp_buf escape;
static volatile int fault_code;

static void on_fault(int signal, siginfo_t *info, void *context)
{
	fault_code = info->si_code;
	siglongjmp(escape, 1);
}

/* One access to @word, in a way. */
typedef uint64_t (*access_fn)(uint64_t *word);

/* Whether the access faults for its tag; *@value is what it loaded. */
static bool faults(access_fn access, uint64_t *word, uint64_t *value)
{
	fault_code = 0;
	if (!sigsetjmp(escape, 1))
		*value = access(word);
	return fault_code == FAULT_SYNC;
}

static void tag_store(uint64_t *word, uint64_t tag)
{
	uintptr_t pointer = (uintptr_t)word | tag << 56;

	asm volatile(MTE "stg %0, [%0]" : : "r"(pointer) : "memory");
}

static void check_set(unsigned long control)
{
	if (prctl(PR_SET_TAGGED_ADDR_CTRL, control, 0, 0, 0))
		bail("PR_SET_TAGGED_ADDR_CTRL");
}

static uint64_t load_plain(uint64_t *word)
{
	uint64_t value;

	asm volatile("ldr %0, [%1]" : "=r"(value) : "r"(word) : "memory");
	return value;
}

static uint64_t store_plain(uint64_t *word)
{
	asm volatile("str %0, [%1]" : : "r"(WORD), "r"(word) : "memory");
	return WORD;
}

static uint64_t load_unchecked(uint64_t *word)
{
	uint64_t value;

	asm volatile(MTE "msr tco, #1\n\tldr %0, [%1]\n\tmsr tco, #0"
		     : "=r"(value)
		     : "r"(word)
		     : "memory");
	return value;
}

static uint64_t store_unchecked(uint64_t *word)
{
	asm volatile(MTE "msr tco, #1\n\tstr %0, [%1]\n\tmsr tco, #0"
		     :
		     : "r"(WORD), "r"(word)
		     : "memory");
	return WORD;
}

static uint64_t load_switched(uint64_t *word)
{
	uint64_t value;

	check_set(CHECK_NONE);
	value = load_plain(word);
	check_set(CHECK_SYNC);
	return value;
}

static uint64_t load_matching(uint64_t *word)
{
	uint64_t value;

	asm volatile(MTE "mov x9, %1\n\tldg x9, [x9]\n\tldr %0, [x9]"
		     : "=r"(value)
		     : "r"(word)
		     : "x9", "memory");
	return value;
}

/* The guest changes the tag behind the VMM's look at it. */
static uint64_t load_matching_late(uint64_t *word)
{
	uintptr_t pointer = (uintptr_t)word;

	asm volatile(MTE "ldg %0, [%0]" : "+r"(pointer) : : "memory");
	tag_store(word, TAG_OF_GUEST + 1);
	return load_plain((uint64_t *)pointer);
}

/* A signal's frame would be pushed into the guest's memory: signals wait meanwhile. */
static uint64_t load_by_stack_pointer(uint64_t *word)
{
	uint64_t value;

	asm volatile("mov x9, sp\n\tmov sp, %1\n\tldr %0, [sp]\n\tmov sp, x9"
		     : "=r"(value)
		     : "r"(word)
		     : "x9", "memory");
	return value;
}

/* By the kernel, into the memory. */
static uint64_t read_by_kernel(uint64_t *word)
{
	int file = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	ssize_t got = read(file, word, sizeof(*word));

	close(file);
	return got == (ssize_t)sizeof(*word) ? 0 : UINT64_MAX;
}

static uint64_t read_by_kernel_unchecked(uint64_t *word)
{
	uint64_t result;

	asm volatile(MTE "msr tco, #1");
	result = read_by_kernel(word);
	asm volatile(MTE "msr tco, #0");
	return result;
}

static uint64_t read_by_kernel_switched(uint64_t *word)
{
	uint64_t result;

	check_set(CHECK_NONE);
	result = read_by_kernel(word);
	check_set(CHECK_SYNC);
	return result;
}

struct way {
	const char *name;
	access_fn access;
	bool through_tagged;
	bool fails;
	uint64_t result; /* if it does not fail */
};

static const struct way ways[] = {
	{ "a load by the untagged alias", load_plain, false, false, WORD },
	{ "a store by the untagged alias", store_plain, false, false, WORD },
	{ "read() into the untagged alias", read_by_kernel, false, false, 0 },
	{ "a load by the tagged alias: a tag check fault", load_plain, true, true, 0 },
	{ "a store by the tagged alias: a tag check fault", store_plain, true, true, 0 },
	{ "read() into the tagged alias: EFAULT", read_by_kernel, true, false, UINT64_MAX },
	{ "a load with PSTATE.TCO set", load_unchecked, true, false, WORD },
	{ "a store with PSTATE.TCO set", store_unchecked, true, false, WORD },
	{ "PSTATE.TCO does not reach the kernel: read() is EFAULT", read_by_kernel_unchecked, true,
	  false, UINT64_MAX },
	{ "a load with PR_MTE_TCF_NONE", load_switched, true, false, WORD },
	{ "read() with PR_MTE_TCF_NONE", read_by_kernel_switched, true, false, 0 },
	{ "a load with the tag that LDG found", load_matching, true, false, WORD },
	{ "a tag changed behind LDG: a tag check fault", load_matching_late, true, true, 0 },
	{ "a load by the stack pointer", load_by_stack_pointer, true, false, WORD },
};

static void try_ways(void)
{
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		const struct way *way = &ways[i];
		uint64_t value = 0;
		bool failed;

		untagged[0] = WORD;
		tag_store(tagged, TAG_OF_GUEST);
		failed = faults(way->access, way->through_tagged ? tagged : untagged, &value);
		ok(failed == way->fails && (failed || value == way->result), way->name);
	}
}

static uint64_t nanoseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static uint64_t cost_of(access_fn access, uint64_t *word)
{
	uint64_t start = nanoseconds();

	for (unsigned int i = 0; i < ROUNDS; i++)
		access(word);
	return nanoseconds() - start;
}

/* On a host that counts instructions (host/run.sh --icount) a nanosecond is one. */
static void price_ways(void)
{
	static const struct {
		const char *name;
		access_fn access;
	} priced[] = {
		{ "PSTATE.TCO", load_unchecked },
		{ "prctl", load_switched },
		{ "LDG", load_matching },
		{ "the stack pointer", load_by_stack_pointer },
	};
	uint64_t plain;

	cost_of(load_plain, untagged);
	plain = cost_of(load_plain, untagged);
	for (size_t i = 0; i < sizeof(priced) / sizeof(priced[0]); i++) {
		uint64_t cost;

		cost_of(priced[i].access, tagged);
		cost = cost_of(priced[i].access, tagged);
		printf("# beyond a plain load, each time: %s %.1f ns\n", priced[i].name,
		       ((double)cost - (double)plain) / ROUNDS);
	}
}

/* The kernel takes PROT_MTE for memory that holds tags alone. */
static void try_file(const char *folder)
{
	char path[256];
	void *mapped;
	int file;

	snprintf(path, sizeof(path), "%s/ways", folder);
	file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (file < 0 || ftruncate(file, PAGE))
		bail(path);
	mapped = mmap(NULL, PAGE, PROT_READ | PROT_WRITE | MAP_TAGS, MAP_SHARED, file, 0);
	ok(mapped == MAP_FAILED && errno == EINVAL, "no tagged alias of a file: EINVAL");
	close(file);
	unlink(path);
}

/* glibc tags what it hands out, and what lies behind is not ours. */
static void try_heap(void)
{
	uint64_t value, tags = 0, *words[16];

	for (size_t i = 0; i < 16; i++) {
		words[i] = malloc(32);
		if (!words[i])
			bail("malloc");
		tags |= UINT64_C(1) << ((uintptr_t)words[i] >> 56 & 15);
	}
	ok(tags & ~UINT64_C(1), "the heap of this process is tagged");
	ok(faults(load_plain, words[0] + 4, &value), "and its accesses are checked");
	untagged[0] = WORD;
	memcpy(words[1], untagged, sizeof(WORD));
	ok(words[1][0] == WORD, "from the guest's memory into it");
	for (size_t i = 0; i < 16; i++)
		free(words[i]);
}

static void map_memory(void)
{
	int memory = memfd_create("ways", MFD_CLOEXEC);

	if (memory < 0 || ftruncate(memory, PAGE))
		bail("memfd");
	untagged = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
	tagged = mmap(NULL, PAGE, PROT_READ | PROT_WRITE | MAP_TAGS, MAP_SHARED, memory, 0);
	if (untagged == MAP_FAILED || tagged == MAP_FAILED)
		bail("mmap");
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };

	if (argc != 2) {
		fprintf(stderr, "usage: test-ways FOLDER\n");
		return 2;
	}
	if (!(getauxval(AT_HWCAP2) & HWCAP2_TAGS)) {
		printf("1..0 # SKIP this host has no MTE\n");
		return 0;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	sigaction(SIGSEGV, &action, NULL);
	map_memory();
	try_heap();
	/* With or without glibc's help. */
	check_set(CHECK_SYNC);
	try_ways();
	try_file(argv[1]);
	price_ways();
	printf("1..%d\n", tests_done);
	return 0;
}
