// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * test-gmem: what the host's memory management does to pages and files by itself, or when it is
 * told to, done to a guest_memfd (docs/abi.md 4.6). A page is the guest's and the file's for as
 * long as nobody takes it away; what is broken is nobody's; a name of the file keeps the module.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../abi/guest.h"
#include "../abi/machine.h"
#include "../abi/tap.h"

#define BOTH (GUEST_MEMFD_FLAG_MMAP | GUEST_MEMFD_FLAG_INIT_SHARED)
#define SIZE (2 * BLOCK)

/* Not in every C library's headers, nor for each architecture. */
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif
#ifndef MADV_SOFT_OFFLINE
#define MADV_SOFT_OFFLINE 101
#endif

static struct machine m;
static int gmem;      /* the file, in TEST_SLOT */
static uint8_t *view; /* all of it */

static void guest_store(uint64_t at, uint64_t value)
{
	if (!machine_finishes(&m, guest_str, TEST_GPA + at, value, NULL))
		errx(1, "the guest cannot store at %#lx", (unsigned long)at);
}

static uint64_t view_load(uint64_t at)
{
	return *(const volatile uint64_t *)(view + at);
}

/* 0, or what went wrong. */
static int tell(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY), error = 0;

	if (fd < 0)
		return errno;
	if (write(fd, text, strlen(text)) < 0)
		error = errno;
	close(fd);
	return error;
}

/* --- What may not take a page away. --- */

/* Where the page at @at of the view is in the host's memory; 0: the kernel does not tell. */
static uint64_t address_of(uint64_t at)
{
	uint64_t entry = 0;
	int fd = open("/proc/self/pagemap", O_RDONLY);

	view_load(at);
	if (fd < 0)
		return 0;
	if (pread(fd, &entry, 8, (off_t)((uintptr_t)(view + at) / PAGE * 8)) != 8)
		err(1, "/proc/self/pagemap");
	close(fd);
	return (entry & ((1UL << 55) - 1)) * PAGE;
}

/* The view has the page no more, though the file has. */
static void view_drop(uint64_t at, size_t size)
{
	if (madvise(view + at, size, MADV_DONTNEED))
		err(1, "MADV_DONTNEED");
}

static int soft_offline(uint64_t at)
{
	unsigned long address = address_of(at);
	char text[32];

	if (!address)
		return ENODATA;
	snprintf(text, sizeof(text), "%#lx", address);
	view_drop(at, PAGE);
	return tell("/sys/devices/system/memory/soft_offline_page", text);
}

static int soft_offline_mapped(uint64_t at)
{
	view_load(at);
	return madvise(view + at, PAGE, MADV_SOFT_OFFLINE) ? errno : 0;
}

static int drop_caches(uint64_t at)
{
	view_drop(at, PAGE);
	return tell("/proc/sys/vm/drop_caches", "3");
}

static int forget(uint64_t at)
{
	view_drop(at, PAGE);
	return posix_fadvise(gmem, 0, 0, POSIX_FADV_DONTNEED);
}

static int compact(uint64_t at)
{
	view_drop(at, PAGE);
	return tell("/proc/sys/vm/compact_memory", "1");
}

static int page_out(uint64_t at)
{
	view_load(at);
	return madvise(view + at, PAGE, MADV_PAGEOUT) ? errno : 0;
}

/* Of 2 MiB of which each page is there. */
static int collapse(uint64_t at)
{
	at &= -BLOCK;
	for (uint64_t i = 0; i < BLOCK; i += PAGE)
		view_load(at + i);
	return madvise(view + at, BLOCK, MADV_COLLAPSE) ? errno : 0;
}

static int collapse_unmapped(uint64_t at)
{
	at &= -BLOCK;
	for (uint64_t i = 0; i < BLOCK; i += PAGE)
		view_load(at + i);
	view_drop(at, BLOCK);
	return madvise(view + at, BLOCK, MADV_COLLAPSE) ? errno : 0;
}

static int flush(uint64_t at)
{
	view_load(at);
	sync();
	return fsync(gmem) ? errno : 0;
}

/* Each may succeed or fail, which is the kernel's matter: the page stays. */
static const struct act {
	const char *name;
	int (*act)(uint64_t at);
} acts[] = {
	{ "soft offline, unmapped", soft_offline },
	{ "soft offline, mapped", soft_offline_mapped },
	{ "drop_caches", drop_caches },
	{ "POSIX_FADV_DONTNEED", forget },
	{ "compaction", compact },
	{ "MADV_PAGEOUT", page_out },
	{ "MADV_COLLAPSE", collapse },
	{ "MADV_COLLAPSE, unmapped", collapse_unmapped },
	{ "sync", flush },
};

/* The guest has stored to the page, and does again: what the file has is what the guest has. */
static void stays(const struct act *act, uint64_t at)
{
	int error;

	guest_store(at, 1);
	guest_store(at + 8, 1);
	error = act->act(at);
	if (error)
		tap_note("%s: %s", act->name, strerror(error));
	guest_store(at + 8, 2);
	tap_ok(view_load(at) == 1 && view_load(at + 8) == 2, "%s: the page stays", act->name);
}

/* --- Memory that is broken. --- */

static sigjmp_buf bus_jump;

static void on_bus(int sig)
{
	siglongjmp(bus_jump, 1);
}

/* The page is broken, though the call says EBUSY: it stays in the file. Tells the VMM, too. */
static bool view_break(uint64_t at)
{
	if (sigsetjmp(bus_jump, 1))
		return true;
	return !madvise(view + at, PAGE, MADV_HWPOISON) || errno == EBUSY;
}

static bool view_is_dead(uint64_t at)
{
	if (sigsetjmp(bus_jump, 1))
		return true;
	view_load(at);
	return false;
}

static void broken(uint64_t at)
{
	uint64_t value = 1;

	guest_store(at, 7);
	view_load(at);
	if (!view_break(at)) {
		tap_skip(strerror(errno), "memory that is broken");
		return;
	}
	tap_ok(view_is_dead(at), "a broken page: the VMM gets SIGBUS");
	view_drop(at, PAGE);
	tap_ok(view_is_dead(at), "and when it maps it anew");
	machine_call(&m, guest_ldr, TEST_GPA + at, 0);
	tap_errno(machine_run(&m), EHWPOISON, "the guest's load exits");
	tap_errno(machine_attr(&m, TEST_GPA + at, PAGE, KVM_MEMORY_ATTRIBUTE_PRIVATE,
			       KVM_MEMORY_ATTRIBUTES_SET),
		  0, "the page becomes private");
	tap_ok(machine_finishes(&m, guest_ldr, TEST_GPA + at, 0, &value) && !value,
	       "and is another, of zeroes");
	machine_attr(&m, TEST_GPA + at, PAGE, KVM_MEMORY_ATTRIBUTE_PRIVATE,
		     KVM_MEMORY_ATTRIBUTES_CLEAR);
	tap_ok(!view_is_dead(at), "as when it is shared");
}

/* --- A part of a huge page is converted while a vCPU is about to map it. --- */

#define SPLIT_GPA (TEST_GPA + SIZE)
#define KEPT	  (5 * PAGE)
#define CONVERTED (300 * PAGE)

struct keeper {
	struct machine m;
	_Atomic bool stop;
	_Atomic unsigned long rounds;
	unsigned long lost;
};

/* Each value is there until the next one is stored, whatever becomes of other pages. */
static void *keeps(void *arg)
{
	struct keeper *k = arg;
	uint64_t value = 0, found;

	while (!k->stop) {
		found = ~0UL;
		if (!machine_finishes(&k->m, guest_ldr, SPLIT_GPA + KEPT, 0, &found) ||
		    found != value)
			k->lost++;
		if (!machine_finishes(&k->m, guest_str, SPLIT_GPA + KEPT, ++value, NULL))
			k->lost++;
		k->rounds++;
	}
	return NULL;
}

static void split_convert(uint64_t at, uint64_t size, bool private)
{
	if (machine_attr(&m, SPLIT_GPA + at, size, KVM_MEMORY_ATTRIBUTE_PRIVATE,
			 private ? KVM_MEMORY_ATTRIBUTES_SET : KVM_MEMORY_ATTRIBUTES_CLEAR))
		errx(1, "KVM_SET_MEMORY_ATTRIBUTES");
}

/* A huge page, if there are such, that is unmapped when another page of it is converted. */
static void split_once(struct keeper *k, uint8_t *shared)
{
	struct timespec wait = { .tv_nsec = (long)(k->rounds % 16) * 20000 };
	pthread_t thread;

	k->stop = false;
	split_convert(0, BLOCK, true);
	if (pthread_create(&thread, NULL, keeps, k))
		errx(1, "no thread");
	for (int i = 0; i < 8; i++) {
		nanosleep(&wait, NULL);
		madvise(shared, BLOCK, MADV_DONTNEED);
		split_convert(CONVERTED + i * 16 * PAGE, PAGE, false);
	}
	k->stop = true;
	pthread_join(thread, NULL);
	split_convert(0, BLOCK, false);
}

static void splits(void)
{
	const char *full = getenv("TSR_FULL");
	time_t end = time(NULL) + (full && *full ? 30 : 2);
	int fd = (int)machine_gmem(&m, BLOCK, 0);
	struct keeper k = { .lost = 0 };
	uint8_t *room = memory_anon(2 * BLOCK);
	uint8_t *shared = (uint8_t *)(((uintptr_t)room + BLOCK - 1) & -BLOCK);

	machine_second(&k.m, &m, 0);
	if (fd < 0 || machine_gmem_slot(&m, TEST_SLOT + 1, 0, SPLIT_GPA, BLOCK, shared, fd, 0))
		errx(1, "no slot");
	while (time(NULL) < end && !k.lost)
		split_once(&k, shared);
	tap_ok(!k.lost && k.rounds, "pages beside those that are converted keep what they have");
	tap_note("%lu rounds", (unsigned long)k.rounds);
	machine_slot(&m, TEST_SLOT + 1, 0, 0, 0, NULL);
	close(fd);
	machine_close(&k.m);
	munmap(room, 2 * BLOCK);
}

/* --- Names. --- */

/* How many hold the module; -1: it does not say. */
static long module_users(void)
{
	FILE *file = fopen("/sys/module/tessera/refcnt", "r");
	long users = -1;

	if (file && fscanf(file, "%ld", &users) != 1)
		users = -1;
	if (file)
		fclose(file);
	return users;
}

/* Everything goes but a name, which answers by what is in the module. */
static void name_stays(void)
{
	struct stat stat;
	char path[32];
	int name;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", gmem);
	tap_ok(open(path, O_RDWR) < 0, "the file cannot be opened again");
	name = open(path, O_PATH);
	if (name < 0)
		err(1, "%s", path);
	munmap(view, SIZE);
	close(gmem);
	machine_close(&m);
	close(env.kvm);
	tap_ok(!fstat(name, &stat) && stat.st_size == SIZE && !stat.st_blocks,
	       "a name of the file outlives it, without its memory");
	tap_ok(module_users() > 0, "and holds the module");
	close(name);
	tap_ok(module_users() == 0, "as long as it is there");
}

int main(void)
{
	struct sigaction action = { .sa_handler = on_bus };

	env_init();
	sigaction(SIGBUS, &action, NULL);
	machine_open(&m, 0);
	gmem = (int)machine_gmem(&m, SIZE, BOTH);
	if (gmem < 0 || machine_gmem_slot(&m, TEST_SLOT, 0, TEST_GPA, SIZE, NULL, gmem, 0))
		errx(1, "there is no guest_memfd to be had");
	view = memory_map(SIZE + BLOCK, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	view = (uint8_t *)(((uintptr_t)view + BLOCK - 1) & -BLOCK);
	if (mmap(view, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, gmem, 0) != view)
		err(1, "mmap");
	for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++)
		stays(&acts[i], BLOCK / 2 + i * PAGE);
	broken(BLOCK + PAGE);
	splits();
	name_stays();
	return tap_end();
}
