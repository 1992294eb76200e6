// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * guest_memfd and private memory: docs/abi.md 4.6. The calls as tables; whose memory a page is;
 * what conversions leave of it; who is to see it.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
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
#define SET	KVM_MEMORY_ATTRIBUTES_SET
#define CLR	KVM_MEMORY_ATTRIBUTES_CLEAR
#define SEEN	(GUEST_MEMFD_FLAG_MMAP | GUEST_MEMFD_FLAG_INIT_SHARED)
#define EXIT(x) KVM_MEMORY_EXIT_FLAG_##x

#define SIZE (16 * PAGE)

/* --- The calls. --- */

static const struct create_row {
	const char *name;
	uint64_t size, flags;
	int want;
} create_rows[] = {
	{ "a page", PAGE, 0, 0 },
	{ "MMAP", PAGE, GUEST_MEMFD_FLAG_MMAP, 0 },
	{ "INIT_SHARED alone", PAGE, GUEST_MEMFD_FLAG_INIT_SHARED, 0 },
	{ "both", PAGE, SEEN, 0 },
	{ "as large as files can be", ~0UL >> 1 & -PAGE, 0, 0 },
	{ "size 0", 0, 0, EINVAL },
	{ "a byte", 1, 0, EINVAL },
	{ "a page and a byte", PAGE + 1, 0, EINVAL },
	{ "a negative size", ~0UL << 63, 0, EINVAL },
	{ "flag 2", PAGE, 1UL << 2, EINVAL },
	{ "flag 63 and MMAP", PAGE, 1UL << 63 | GUEST_MEMFD_FLAG_MMAP, EINVAL },
};

static const struct row pointer_rows[] = {
	{ "GUEST_MEMFD at NULL", NEED_TSR, FD_VM, KVM_CREATE_GUEST_MEMFD, PTR_NULL, EFAULT },
	{ "unmapped", NEED_TSR, FD_VM, KVM_CREATE_GUEST_MEMFD, PTR_UNMAPPED, EFAULT },
	{ "GUEST_MEMFD of the kernel", NEED_TSR, FD_VM, KVM_CREATE_GUEST_MEMFD, PTR_KERNEL,
	  EFAULT },
};

static void creates(struct machine *m)
{
	for (unsigned int i = 0; i < ROW_COUNT(create_rows); i++) {
		const struct create_row *row = &create_rows[i];
		long fd = machine_gmem(m, row->size, row->flags);

		tap_errno(fd, row->want, "CREATE_GUEST_MEMFD: %s", row->name);
		if (fd >= 0)
			close((int)fd);
	}
	rows_run(m, pointer_rows, ROW_COUNT(pointer_rows));
}

/* Files of 16 pages: of this VM, two of them; of another; none of the kind; and no file. */
enum which { OURS, OTHER, SEEN_FILE, FOREIGN, NO_GMEM, NO_FILE, FILES };

static const struct bind_row {
	const char *name;
	uint32_t slot, flags;
	uint64_t gpa, size;
	enum which file;
	uint64_t offset;
	int want;
} bind_rows[] = {
	{ "pages 4 to 7", 1, 0, TEST_GPA, 4 * PAGE, OURS, 4 * PAGE, 0 },
	{ "the same again", 1, 0, TEST_GPA, 4 * PAGE, OURS, 4 * PAGE, EINVAL },
	{ "moved", 1, 0, TEST_GPA + SIZE, 4 * PAGE, OURS, 4 * PAGE, EINVAL },
	{ "overlaps the start", 2, 0, TEST_GPA + SIZE, 2 * PAGE, OURS, 3 * PAGE, EEXIST },
	{ "overlaps the end", 2, 0, TEST_GPA + SIZE, 2 * PAGE, OURS, 7 * PAGE, EEXIST },
	{ "within", 2, 0, TEST_GPA + SIZE, PAGE, OURS, 5 * PAGE, EEXIST },
	{ "all around", 2, 0, TEST_GPA + SIZE, SIZE, OURS, 0, EEXIST },
	{ "right before", 2, 0, TEST_GPA + SIZE, 4 * PAGE, OURS, 0, 0 },
	{ "right behind, up to the end", 3, 0, TEST_GPA + 2 * SIZE, 8 * PAGE, OURS, 8 * PAGE, 0 },
	{ "the same pages of another file", 4, 0, TEST_GPA + 3 * SIZE, SIZE, OTHER, 0, 0 },
	{ "of one that can be mapped", 5, 0, TEST_GPA + 4 * SIZE, SIZE, SEEN_FILE, 0, 0 },
	{ "a page beyond the end", 6, 0, TEST_GPA + 5 * SIZE, PAGE, OURS, SIZE, EINVAL },
	{ "half beyond the end", 6, 0, TEST_GPA + 5 * SIZE, 2 * PAGE, OURS, SIZE - PAGE, EINVAL },
	{ "offset not aligned", 6, 0, TEST_GPA + 5 * SIZE, PAGE, OTHER, 1, EINVAL },
	{ "offset overflows", 6, 0, TEST_GPA + 5 * SIZE, PAGE, OTHER, -PAGE, EINVAL },
	{ "the largest offset", 6, 0, TEST_GPA + 5 * SIZE, PAGE, OTHER, ~0UL >> 1 & -PAGE, EINVAL },
	{ "another VM's", 6, 0, TEST_GPA + 5 * SIZE, PAGE, FOREIGN, 0, EINVAL },
	{ "a memfd", 6, 0, TEST_GPA + 5 * SIZE, PAGE, NO_GMEM, 0, EINVAL },
	{ "no file", 6, 0, TEST_GPA + 5 * SIZE, PAGE, NO_FILE, 0, EBADF },
	{ "LOG_DIRTY_PAGES", 6, KVM_MEM_LOG_DIRTY_PAGES, TEST_GPA + 5 * SIZE, PAGE, OURS, 0,
	  EINVAL },
	{ "READONLY", 6, KVM_MEM_READONLY, TEST_GPA + 5 * SIZE, PAGE, OURS, 0, EINVAL },
	{ "over another slot", 6, 0, TEST_GPA, PAGE, NO_FILE, 0, EEXIST },
	{ "beyond the IPA size", 6, 0, 1UL << IPA_BITS, PAGE, OURS, 0, EFAULT },
	{ "deleted, with no file", 1, 0, 0, 0, NO_FILE, 0, 0 },
	{ "its pages in another slot", 7, 0, TEST_GPA, PAGE, OURS, 5 * PAGE, 0 },
};

static void binds(struct machine *m)
{
	struct machine other;
	int files[FILES] = { 0 };

	machine_open(&other, MACHINE_NO_VCPU);
	files[OURS] = (int)machine_gmem(m, SIZE, 0);
	files[OTHER] = (int)machine_gmem(m, SIZE, 0);
	files[SEEN_FILE] = (int)machine_gmem(m, SIZE, SEEN);
	files[FOREIGN] = (int)machine_gmem(&other, SIZE, 0);
	files[NO_GMEM] = memory_memfd(SIZE);
	files[NO_FILE] = 999;
	for (unsigned int i = 0; i < ROW_COUNT(bind_rows); i++) {
		const struct bind_row *row = &bind_rows[i];

		tap_errno(machine_gmem_slot(m, row->slot, row->flags, row->gpa, row->size, NULL,
					    files[row->file], row->offset),
			  row->want, "guest_memfd: %s", row->name);
	}
	tap_errno(machine_slot(m, 7, 0, TEST_GPA, PAGE, NULL), EINVAL,
		  "guest_memfd: a slot keeps it");
	tap_errno(machine_slot(m, 8, KVM_MEM_GUEST_MEMFD, TEST_GPA + 6 * SIZE, PAGE, NULL), EINVAL,
		  "guest_memfd: by SET_USER_MEMORY_REGION");
	for (unsigned int i = 0; i < NO_FILE; i++)
		close(files[i]);
	machine_close(&other);
}

/* --- What the file is. --- */

static void file_calls(struct machine *m)
{
	int fd = (int)machine_gmem(m, SIZE, 0);
	struct stat stat;
	char byte = 0;

	tap_ok(!fstat(fd, &stat) && stat.st_size == SIZE && !stat.st_blocks,
	       "the file has its size, and nothing in it");
	tap_ok(!fallocate(fd, FALLOC_FL_KEEP_SIZE, PAGE, 3 * PAGE) && !fstat(fd, &stat) &&
		       stat.st_blocks == 3 * PAGE / 512,
	       "fallocate, and its blocks are counted");
	tap_ok(!fallocate(fd, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, 2 * PAGE, PAGE) &&
		       !fstat(fd, &stat) && stat.st_blocks == 2 * PAGE / 512,
	       "a hole, likewise");
	tap_ok(fallocate(fd, FALLOC_FL_KEEP_SIZE, SIZE - PAGE, 2 * PAGE) && errno == EINVAL,
	       "fallocate beyond the end: EINVAL");
	tap_ok(fallocate(fd, 0, 0, PAGE) && errno == EOPNOTSUPP, "fallocate that may grow it: no");
	tap_ok(fallocate(fd, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, 1, PAGE) &&
		       errno == EINVAL,
	       "a hole that is not aligned: EINVAL");
	tap_ok(ftruncate(fd, 2 * SIZE) && errno == EINVAL && ftruncate(fd, 0) && errno == EINVAL,
	       "its size stays");
	tap_ok(read(fd, &byte, 1) < 0 && write(fd, &byte, 1) < 0 && pread(fd, &byte, 1, 0) < 0,
	       "it is neither read nor written");
	tap_ok(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED && errno == ENODEV,
	       "nor mapped: ENODEV");
	close(fd);
}

/* --- Whose memory a page is. --- */

struct room {
	struct machine m;
	int fd;
	uint8_t *shared; /* at the slot's address; NULL where the file is all there is */
};

static void room_open(struct room *r, unsigned int flags, uint64_t file_flags)
{
	machine_open(&r->m, flags);
	r->fd = (int)machine_gmem(&r->m, SIZE, file_flags);
	r->shared = file_flags & GUEST_MEMFD_FLAG_MMAP ? NULL : memory_anon(SIZE);
	if (machine_gmem_slot(&r->m, TEST_SLOT, 0, TEST_GPA, SIZE, r->shared, r->fd, 0) < 0)
		tap_ok(false, "a slot with guest_memfd");
}

static void room_close(struct room *r)
{
	if (r->fd >= 0)
		close(r->fd);
	machine_close(&r->m);
	if (r->shared)
		munmap(r->shared, SIZE);
}

static long convert(struct room *r, uint64_t page, uint64_t pages, bool private)
{
	return machine_attr(&r->m, TEST_GPA + page * PAGE, pages * PAGE, PRIVATE,
			    private ? SET : CLR);
}

/* Does the guest find this in page @page? */
static bool guest_has(struct room *r, uint64_t page, uint64_t want)
{
	uint64_t value = ~want;

	if (machine_finishes(&r->m, guest_ldr, TEST_GPA + page * PAGE, 0, &value) && value == want)
		return true;
	tap_note("page %llu: %#llx in place of %#llx", (unsigned long long)page,
		 (unsigned long long)value, (unsigned long long)want);
	return false;
}

static bool guest_puts(struct room *r, uint64_t page, uint64_t value)
{
	return machine_finishes(&r->m, guest_str, TEST_GPA + page * PAGE, value, NULL);
}

static uint64_t file_pages(int fd)
{
	struct stat stat;

	return fstat(fd, &stat) ? ~0ULL : (uint64_t)stat.st_blocks / (PAGE / 512);
}

static void split(void)
{
	struct room r;
	uint64_t *shared;

	room_open(&r, 0, 0);
	shared = (void *)r.shared;
	shared[0] = 0x51;
	tap_ok(guest_has(&r, 0, 0x51), "shared: the guest finds the VMM's memory");
	tap_errno(convert(&r, 0, 2, true), 0, "two pages become private");
	tap_ok(guest_has(&r, 0, 0) && guest_has(&r, 1, 0), "they are zero");
	tap_ok(guest_puts(&r, 0, 0x99) && shared[0] == 0x51, "what is stored is not the VMM's");
	tap_ok(file_pages(r.fd) == 2, "the file has two pages");
	tap_errno(convert(&r, 0, 16, true), 0, "the slot becomes private, of which they are");
	tap_ok(guest_has(&r, 0, 0x99), "they keep what they have");
	tap_errno(convert(&r, 0, 1, false), 0, "a page becomes shared");
	tap_ok(guest_has(&r, 0, 0x51), "and is the VMM's again");
	tap_ok(file_pages(r.fd) == 1, "the file has given its page up");
	tap_errno(convert(&r, 0, 1, true), 0, "and private");
	tap_ok(guest_has(&r, 0, 0), "there is nothing of what was private before");
	tap_errno(machine_attr(&r.m, TEST_GPA, SIZE, 0, 0), 0, "all is shared, by an exact set");
	tap_ok(guest_has(&r, 1, 0) && file_pages(r.fd) == 0, "and the file is empty");
	room_close(&r);
}

/* Private where there is nothing to be private in. */
static void no_file(void)
{
	uint8_t *memory = memory_anon(PAGE);
	struct room r;

	machine_open(&r.m, 0);
	machine_slot(&r.m, TEST_SLOT, 0, TEST_GPA, PAGE, memory);
	machine_attr(&r.m, TEST_GPA, PAGE, PRIVATE, 0);
	machine_call(&r.m, guest_ldr, TEST_GPA, 0);
	tap_ok(machine_faulted(&r.m, machine_run(&r.m), EXIT(PRIVATE) | EXIT(READ), TEST_GPA),
	       "a private page of a slot without a file: PRIVATE, READ");
	machine_call(&r.m, guest_str, TEST_GPA, 0);
	tap_ok(machine_faulted(&r.m, machine_run(&r.m), EXIT(PRIVATE) | EXIT(WRITE), TEST_GPA),
	       "PRIVATE, WRITE");
	machine_attr(&r.m, TEST_GPA, PAGE, 0, 0);
	tap_ok(guest_has(&r, 0, 0), "shared again it is there");
	machine_close(&r.m);
	munmap(memory, PAGE);
	room_open(&r, 0, 0);
	convert(&r, 0, 2, true);
	tap_ok(guest_puts(&r, 0, 1), "private memory of a file");
	close(r.fd);
	r.fd = -1;
	machine_call(&r.m, guest_ldr, TEST_GPA, 0);
	tap_ok(machine_faulted(&r.m, machine_run(&r.m), EXIT(PRIVATE) | EXIT(READ), TEST_GPA),
	       "that is closed: PRIVATE, READ");
	tap_ok(guest_has(&r, 2, 0), "what is shared is there");
	tap_errno(machine_slot(&r.m, TEST_SLOT, 0, 0, 0, NULL), 0, "the slot can be deleted");
	room_close(&r);
}

/* The file holds the VM, which ends with it. */
static void outlives(void)
{
	struct room r;
	int fd;

	room_open(&r, 0, 0);
	convert(&r, 0, 16, true);
	tap_ok(guest_puts(&r, 3, 3), "a private page");
	fd = dup(r.fd);
	room_close(&r);
	tap_ok(file_pages(fd) == 1, "the file outlives the VM's fd, with its page");
	tap_ok(!fallocate(fd, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, 0, SIZE) &&
		       file_pages(fd) == 0,
	       "and can be emptied");
	close(fd);
}

static void holes(void)
{
	struct room r;

	room_open(&r, 0, 0);
	convert(&r, 0, 16, true);
	tap_ok(guest_puts(&r, 1, 7) && guest_puts(&r, 2, 8) && guest_puts(&r, 3, 9),
	       "three private pages");
	tap_ok(!fallocate(r.fd, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, 2 * PAGE, PAGE),
	       "a hole in the midst of them");
	tap_ok(guest_has(&r, 1, 7) && guest_has(&r, 2, 0) && guest_has(&r, 3, 9),
	       "the guest finds zero there, and the others as they were");
	room_close(&r);
}

/* The guest's tables are private, and one of them points where there is no memory. */
static void private_tables(void)
{
	const uint64_t hole = 0x0b000000, index = 5;
	const uint64_t *table;
	bool pass = true;
	struct room r;
	uint64_t esr;

	room_open(&r, MACHINE_MMU, 0);
	table = (const void *)(r.m.code + (machine_get(&r.m, REG_TTBR0_EL1) - CODE_GPA));
	convert(&r, 0, 1, true);
	for (unsigned int i = 0; i < 3; i++)
		pass = pass && machine_finishes(&r.m, guest_str, TEST_GPA + i * 8, table[i], NULL);
	tap_ok(pass && machine_finishes(&r.m, guest_str, TEST_GPA + index * 8, hole | 3, NULL),
	       "a guest's tables in private memory");
	machine_set(&r.m, REG_TTBR0_EL1, TEST_GPA);
	tap_ok(guest_has(&r, 0, table[0]), "are walked");
	machine_finishes(&r.m, guest_ldr, index << 30, 0, NULL);
	esr = machine_get(&r.m, REG_ESR_EL1);
	tap_ok(ESR_EC(esr) == EC_DATA_ABORT && ESR_FSC(esr) == FSC_EXTERNAL_L2,
	       "and their level is known where the next one is nowhere");
	room_close(&r);
}

/* log2 of the pages that the stage-2 entry of @page maps; -1: there is none. */
static int mapped_order(struct room *r, uint64_t page)
{
	struct kvm_tsr_extent extent = { 0 };
	struct kvm_tsr_memory_query query = {
		.gpa = TEST_GPA + page * PAGE,
		.pages = 1,
		.extents = PTR(&extent),
		.count = 1,
	};

	if (call(r->m.vm, KVM_TSR_QUERY_MEMORY, PTR(&query)) < 0 ||
	    !(extent.flags & KVM_TSR_EXTENT_MAPPED))
		return -1;
	return extent.order;
}

/* Private memory of 2 MiB in one piece, of which a page is given up, and a hole made. */
static void huge(void)
{
	const uint64_t all = BLOCK / PAGE;
	struct room r = { .shared = memory_anon(2 * BLOCK) };

	machine_open(&r.m, 0);
	r.fd = (int)machine_gmem(&r.m, 2 * BLOCK, 0);
	machine_gmem_slot(&r.m, TEST_SLOT, 0, TEST_GPA, 2 * BLOCK, r.shared, r.fd, 0);
	convert(&r, 0, 2 * all, true);
	tap_ok(guest_puts(&r, 3, 33) && guest_puts(&r, 5, 55), "private memory of 4 MiB");
	if (mapped_order(&r, 3) != 9) {
		tap_skip("the host has no huge page free", "a block of private memory");
	} else {
		tap_ok(file_pages(r.fd) == all && mapped_order(&r, all) == -1,
		       "the first 2 MiB are a block, of one piece of the file");
		tap_errno(convert(&r, 4, 1, false), 0, "a page of it becomes shared");
		tap_ok(guest_has(&r, 3, 33) && guest_has(&r, 5, 55) && guest_has(&r, 4, 0),
		       "the others keep what they have");
		tap_ok(file_pages(r.fd) == all - 1 && mapped_order(&r, 3) == 0,
		       "and the file has given it up");
		tap_errno(convert(&r, 4, 1, true), 0, "and private again");
		tap_ok(guest_has(&r, 4, 0) && guest_has(&r, 3, 33), "it is zero");
	}
	tap_ok(guest_puts(&r, all + 7, 77) && guest_puts(&r, all + 8, 88) &&
		       !fallocate(r.fd, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE,
				  (off_t)((all + 7) * PAGE), PAGE) &&
		       guest_has(&r, all + 7, 0) && guest_has(&r, all + 8, 88),
	       "a hole in the second");
	tap_ok(!fallocate(r.fd, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, 0, 2 * BLOCK) &&
		       file_pages(r.fd) == 0 && guest_has(&r, 3, 0),
	       "and all of it");
	close(r.fd);
	machine_close(&r.m);
	munmap(r.shared, 2 * BLOCK);
}

/* --- What the host sees of files that can be mapped. --- */

static sigjmp_buf bus_jump;

static void on_bus(int sig)
{
	siglongjmp(bus_jump, 1);
}

/* The VMM's load: false if it got SIGBUS. */
static bool host_loads(const uint64_t *at, uint64_t *value)
{
	struct sigaction action = { .sa_handler = on_bus }, before;
	volatile bool loads = false;

	sigaction(SIGBUS, &action, &before);
	if (!sigsetjmp(bus_jump, 1)) {
		*value = *(const volatile uint64_t *)at;
		loads = true;
	}
	sigaction(SIGBUS, &before, NULL);
	return loads;
}

static bool host_has(const uint8_t *memory, uint64_t page, uint64_t want)
{
	uint64_t value = ~want;

	return host_loads((const void *)(memory + page * PAGE), &value) && value == want;
}

static bool host_is_kept_out(const uint8_t *memory, uint64_t page)
{
	uint64_t value;

	return !host_loads((const void *)(memory + page * PAGE), &value);
}

static void seen(void)
{
	struct room r;
	uint8_t *memory;

	room_open(&r, 0, SEEN);
	memory = memory_map(SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, r.fd);
	memory[0] = 0x77;
	tap_ok(guest_has(&r, 0, 0x77), "shared, mapped: the guest finds what the VMM stores");
	tap_ok(guest_puts(&r, 1, 0x88) && host_has(memory, 1, 0x88), "and the VMM what the guest");
	tap_errno(convert(&r, 0, 2, true), 0, "they become private");
	tap_ok(host_is_kept_out(memory, 0) && host_is_kept_out(memory, 1), "the VMM gets SIGBUS");
	tap_ok(host_has(memory, 2, 0), "but not beside them");
	tap_ok(guest_has(&r, 0, 0) && guest_has(&r, 1, 0), "the guest finds zeroes");
	tap_ok(guest_puts(&r, 0, 0x5ec) && guest_puts(&r, 1, 0x5ec), "and stores something");
	tap_errno(convert(&r, 0, 1, false), 0, "one becomes shared");
	tap_ok(host_has(memory, 0, 0) && guest_has(&r, 0, 0), "and is zero for both");
	tap_ok(host_is_kept_out(memory, 1) && guest_has(&r, 1, 0x5ec), "the other stays private");
	tap_errno(machine_slot(&r.m, TEST_SLOT, 0, 0, 0, NULL), 0, "its slot is deleted");
	tap_ok(host_has(memory, 1, 0), "and what was private in it is gone");
	memory[PAGE] = 0x66;
	tap_errno(machine_gmem_slot(&r.m, TEST_SLOT, 0, TEST_GPA, SIZE, NULL, r.fd, 0), 0,
		  "the slot comes back");
	tap_ok(host_is_kept_out(memory, 1) && guest_has(&r, 1, 0), "private, as it still is");
	munmap(memory, SIZE);
	room_close(&r);
}

/* Without INIT_SHARED the host sees none of it, nor by a private mapping of one that has it. */
static void unseen(void)
{
	struct room r;
	uint8_t *memory;

	room_open(&r, 0, GUEST_MEMFD_FLAG_MMAP);
	memory = memory_map(SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, r.fd);
	tap_ok(guest_puts(&r, 0, 5) && guest_has(&r, 0, 5), "MMAP alone: the guest has the file");
	tap_ok(host_is_kept_out(memory, 0) && host_is_kept_out(memory, 1), "the VMM gets SIGBUS");
	munmap(memory, SIZE);
	room_close(&r);
	room_open(&r, 0, SEEN);
	tap_ok(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, r.fd, 0) == MAP_FAILED && errno == EINVAL,
	       "a private mapping: EINVAL");
	memory = mmap(NULL, 2 * SIZE, PROT_READ, MAP_SHARED, r.fd, 0);
	tap_ok(memory != MAP_FAILED && host_is_kept_out(memory, SIZE / PAGE),
	       "beyond the file's end: SIGBUS");
	munmap(memory, 2 * SIZE);
	room_close(&r);
}

void test_gmem(void)
{
	struct machine m;

	if (!env.tsr) {
		tap_skip(env_lacks(NEED_TSR), "private memory");
		return;
	}
	machine_open(&m, MACHINE_NO_VCPU);
	creates(&m);
	binds(&m);
	file_calls(&m);
	machine_close(&m);
	split();
	no_file();
	outlives();
	holes();
	private_tables();
	huge();
	seen();
	unseen();
}
