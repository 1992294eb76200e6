// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * KVM_SET_USER_MEMORY_REGION and REGION2: api.rst 4.35, docs/abi.md 4.1. A row is one
 * call on a VM of 40 bits that has slot 1 at TEST_GPA and slot 2 right after it; addresses
 * of the host are relative to a buffer.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "groups.h"
#include "guest.h"
#include "rows.h"
#include "tap.h"

#define SLOT_SIZE   (16 * PAGE)
#define BUFFER_SIZE (64 * PAGE)
#define AFTER	    (TEST_GPA + 2 * SLOT_SIZE)
#define IPA_END	    (1UL << IPA_BITS)

static const struct slot_row {
	const char *name;
	unsigned int need;
	uint32_t slot;
	uint32_t flags;
	uint64_t gpa;
	uint64_t size;
	uint64_t hva; /* offset in the buffer */
	int want;
	bool absolute; /* hva is an address */
} rows[] = {
	{ "a slot", 0, 3, 0, AFTER, PAGE, 0, 0 },
	{ "the same again", 0, 3, 0, AFTER, PAGE, 0, 0 },
	{ "deleted", 0, 3, 0, AFTER, 0, 0, 0 },
	{ "deleted twice", 0, 3, 0, AFTER, 0, 0, EINVAL },
	{ "delete of what never was", 0, 9, 0, 0, 0, 0, EINVAL },
	{ "guest address not aligned", 0, 3, 0, AFTER + 1, PAGE, 0, EINVAL },
	{ "guest address in the middle of a page", 0, 3, 0, AFTER + PAGE / 2, PAGE, 0, EINVAL },
	{ "size not aligned", 0, 3, 0, AFTER, PAGE + 1, 0, EINVAL },
	{ "size less than a page", 0, 3, 0, AFTER, PAGE - 1, 0, EINVAL },
	{ "host address not aligned", 0, 3, 0, AFTER, PAGE, 1, EINVAL },
	{ "host address of the kernel", 0, 3, 0, AFTER, PAGE, PTR_KERNEL, EINVAL, true },
	{ "host address with a tag", 0, 3, 0, AFTER, PAGE, 0x8100000000000000UL, EINVAL, true },
	{ "host range beyond the process", 0, 3, 0, AFTER, 2 * PAGE, 0xffffffffff000UL, EINVAL,
	  true },
	{ "guest range overflows", 0, 3, 0, ~0UL << 12, 2 * PAGE, 0, EINVAL },
	{ "size overflows", 0, 3, 0, AFTER, ~0UL << 12, 0, EINVAL },
	{ "2^31 pages", 0, 3, 0, 0, 1UL << 43, 0, EINVAL },
	{ "up to the end of the IPA space", 0, 3, 0, IPA_END - PAGE, PAGE, 0, 0 },
	{ "and deleted", 0, 3, 0, IPA_END - PAGE, 0, 0, 0 },
	{ "a page beyond the IPA space", 0, 3, 0, IPA_END, PAGE, 0, EFAULT },
	{ "half beyond the IPA space", 0, 3, 0, IPA_END - PAGE, 2 * PAGE, 0, EFAULT },
	{ "overlaps the start of slot 1", 0, 3, 0, TEST_GPA - PAGE, 2 * PAGE, 0, EEXIST },
	{ "overlaps the end of slot 2", 0, 3, 0, AFTER - PAGE, 2 * PAGE, 0, EEXIST },
	{ "inside slot 1", 0, 3, 0, TEST_GPA + PAGE, PAGE, 0, EEXIST },
	{ "around both", 0, 3, 0, TEST_GPA - PAGE, BUFFER_SIZE, 0, EEXIST },
	{ "right before slot 1", 0, 3, 0, TEST_GPA - PAGE, PAGE, 0, 0 },
	{ "moved right behind slot 2", 0, 3, 0, AFTER, PAGE, 0, 0 },
	{ "moved onto slot 2", 0, 3, 0, AFTER - PAGE, PAGE, 0, EEXIST },
	{ "moved beyond the IPA space", 0, 3, 0, IPA_END, PAGE, 0, EFAULT },
	{ "another size", 0, 3, 0, AFTER, 2 * PAGE, 0, EINVAL },
	{ "another host address", 0, 3, 0, AFTER, PAGE, PAGE, EINVAL },
	{ "READONLY added later", 0, 3, KVM_MEM_READONLY, AFTER, PAGE, 0, EINVAL },
	{ "and deleted, whatever the rest says", 0, 3, 0, 0, 0, 0, 0 },
	{ "READONLY", 0, 3, KVM_MEM_READONLY, AFTER, PAGE, 0, 0 },
	{ "READONLY taken away later", 0, 3, 0, AFTER, PAGE, 0, EINVAL },
	{ "READONLY deleted", 0, 3, 0, AFTER, 0, 0, 0 },
	{ "flag 2, GUEST_MEMFD", 0, 3, 1U << 2, AFTER, PAGE, 0, EINVAL },
	{ "flag 3, unknown", 0, 3, 1U << 3, AFTER, PAGE, 0, EINVAL },
	{ "flag 13, unknown", 0, 3, 1U << 13, AFTER, PAGE, 0, EINVAL },
	{ "flag 16, unknown", 0, 3, 1U << 16, AFTER, PAGE, 0, EINVAL },
	{ "flag 31, unknown", 0, 3, 1U << 31, AFTER, PAGE, 0, EINVAL },
	{ "LOG_DIRTY_PAGES", 0, 3, KVM_MEM_LOG_DIRTY_PAGES, AFTER, PAGE, 0, 0 },
	{ "LOG_DIRTY_PAGES taken away later", 0, 3, 0, AFTER, PAGE, 0, 0 },
	{ "LOG_DIRTY_PAGES added later, and moved", 0, 3, KVM_MEM_LOG_DIRTY_PAGES, AFTER + PAGE,
	  PAGE, 0, 0 },
	{ "LOG_DIRTY_PAGES deleted", 0, 3, 0, AFTER, 0, 0, 0 },
	{ "TAGS_ON_TOUCH alone", 0, 3, KVM_MEM_TSR_TAGS_ON_TOUCH, AFTER, PAGE, 0, EINVAL },
	{ "TAGS_OPTIONAL without MTE", 0, 3, KVM_MEM_TSR_TAGS_OPTIONAL, AFTER, PAGE, 0, EINVAL },
	{ "both without MTE", 0, 3, KVM_MEM_TSR_TAGS_OPTIONAL | KVM_MEM_TSR_TAGS_ON_TOUCH, AFTER,
	  PAGE, 0, EINVAL },
	{ "the highest id", 0, 32766, 0, AFTER, PAGE, 0, 0 },
	{ "the highest id deleted", 0, 32766, 0, AFTER, 0, 0, 0 },
	{ "id 32767", 0, 32767, 0, AFTER, PAGE, 0, EINVAL },
	{ "id 65535", 0, 65535, 0, AFTER, PAGE, 0, EINVAL },
	{ "another address space", 0, 1U << 16 | 3, 0, AFTER, PAGE, 0, EINVAL },
	{ "nothing mapped at the host address", 0, 3, 0, AFTER, PAGE, 0x10000UL, 0, true },
	{ "nothing mapped, deleted", 0, 3, 0, AFTER, 0, 0, 0 },
};

static uint64_t host_address(const struct slot_row *row, const uint8_t *buffer)
{
	return row->absolute ? row->hva : (uintptr_t)buffer + row->hva;
}

static void region1(struct machine *m, const struct slot_row *row, const uint8_t *buffer)
{
	struct kvm_userspace_memory_region region = {
		.slot = row->slot,
		.flags = row->flags,
		.guest_phys_addr = row->gpa,
		.memory_size = row->size,
		.userspace_addr = host_address(row, buffer),
	};

	tap_errno(call(m->vm, KVM_SET_USER_MEMORY_REGION, PTR(&region)), row->want,
		  "SET_USER_MEMORY_REGION: %s", row->name);
}

/* What belongs to guest_memfd alone is not looked at without KVM_MEM_GUEST_MEMFD. */
static void region2(struct machine *m, const struct slot_row *row, const uint8_t *buffer)
{
	struct kvm_userspace_memory_region2 region = {
		.slot = row->slot,
		.flags = row->flags,
		.guest_phys_addr = row->gpa,
		.memory_size = row->size,
		.userspace_addr = host_address(row, buffer),
		.guest_memfd = 0xffffffff,
		.guest_memfd_offset = 1,
	};

	tap_errno(call(m->vm, KVM_SET_USER_MEMORY_REGION2, PTR(&region)), row->want,
		  "SET_USER_MEMORY_REGION2: %s", row->name);
}

typedef void (*region_fn)(struct machine *, const struct slot_row *, const uint8_t *);

static void run_rows(region_fn region, const char *what)
{
	uint8_t *buffer = memory_anon(BUFFER_SIZE);
	struct machine m;

	machine_open(&m, 0);
	tap_errno(machine_slot(&m, 1, 0, TEST_GPA, SLOT_SIZE, buffer), 0, "%s: slot 1", what);
	tap_errno(machine_slot(&m, 2, 0, TEST_GPA + SLOT_SIZE, SLOT_SIZE, buffer), 0,
		  "%s: slot 2 over the same memory", what);
	for (unsigned int i = 0; i < ROW_COUNT(rows); i++) {
		const char *lacks = env_lacks(rows[i].need);

		if (lacks)
			tap_skip(lacks, "%s: %s", what, rows[i].name);
		else
			region(&m, &rows[i], buffer);
	}
	machine_close(&m);
	munmap(buffer, BUFFER_SIZE);
}

static const struct row pointer_rows[] = {
	{ "SET_USER_MEMORY_REGION: NULL", 0, FD_VM, KVM_SET_USER_MEMORY_REGION, PTR_NULL, EFAULT },
	{ "SET_USER_MEMORY_REGION: unmapped", 0, FD_VM, KVM_SET_USER_MEMORY_REGION, PTR_UNMAPPED,
	  EFAULT },
	{ "SET_USER_MEMORY_REGION: a kernel address", 0, FD_VM, KVM_SET_USER_MEMORY_REGION,
	  PTR_KERNEL, EFAULT },
	{ "SET_USER_MEMORY_REGION2: NULL", 0, FD_VM, KVM_SET_USER_MEMORY_REGION2, PTR_NULL,
	  EFAULT },
	{ "SET_USER_MEMORY_REGION2: unmapped", 0, FD_VM, KVM_SET_USER_MEMORY_REGION2, PTR_UNMAPPED,
	  EFAULT },
};

/* The guest sees each change of a slot at once. */
static void guest_view(void)
{
	uint8_t *buffer = memory_anon(2 * PAGE);
	struct machine m;
	uint64_t value;

	memset(buffer, 0x11, PAGE);
	machine_open(&m, 0);
	machine_slot(&m, 1, 0, TEST_GPA, PAGE, buffer);
	tap_ok(machine_finishes(&m, guest_ldr, TEST_GPA, 0, &value) && value == 0x1111111111111111,
	       "the guest reads the slot's memory");
	tap_ok(machine_finishes(&m, guest_str, TEST_GPA + 8, 42, NULL) && buffer[8] == 42,
	       "the guest writes the slot's memory");
	machine_slot(&m, 1, 0, TEST_GPA + PAGE, PAGE, buffer);
	machine_call(&m, guest_ldr, TEST_GPA, 0);
	tap_ok(machine_run(&m) == 0 && m.run->exit_reason == KVM_EXIT_MMIO && !machine_done(&m, 0),
	       "after a move its old address is a hole");
	tap_ok(machine_finishes(&m, guest_ldr, TEST_GPA + PAGE, 0, &value) &&
		       value == 0x1111111111111111,
	       "and its new address has the memory");
	machine_slot(&m, 1, 0, 0, 0, NULL);
	machine_call(&m, guest_ldr, TEST_GPA + PAGE, 0);
	tap_ok(machine_run(&m) == 0 && m.run->exit_reason == KVM_EXIT_MMIO && !machine_done(&m, 0),
	       "after it is deleted too");
	machine_slot(&m, 1, 0, TEST_GPA, PAGE, buffer + PAGE);
	tap_ok(machine_finishes(&m, guest_ldr, TEST_GPA, 0, &value) && value == 0,
	       "a slot made again has the new memory");
	machine_close(&m);
	munmap(buffer, 2 * PAGE);
}

/* Every slot there may be (id 0 is the machine's own), each used, none in the way. */
static void all_slots(void)
{
	const unsigned int count = env.full ? 32766 : 1000;
	uint8_t *buffer = memory_anon(PAGE);
	struct machine m;
	unsigned int made = 0;
	uint64_t value;
	const uint64_t last = TEST_GPA + (count - 1) * 2 * PAGE;

	memset(buffer, 0x77, PAGE);
	machine_open(&m, 0);
	while (made < count &&
	       machine_slot(&m, made + 1, 0, TEST_GPA + made * 2 * PAGE, PAGE, buffer) == 0)
		made++;
	if (!tap_ok(made == count, "%u slots at once", count + 1))
		tap_note("%u", made);
	tap_ok(call(m.vm, KVM_CHECK_EXTENSION, KVM_CAP_NR_MEMSLOTS) == 32767,
	       "CAP_NR_MEMSLOTS is 32,767");
	tap_ok(machine_finishes(&m, guest_ldr, last, 0, &value) && value == 0x7777777777777777,
	       "the last of them is there for the guest");
	while (made > 0 && machine_slot(&m, made, 0, 0, 0, NULL) == 0)
		made--;
	tap_ok(made == 0, "all but the first deleted again");
	machine_close(&m);
	munmap(buffer, PAGE);
}

/* In a VM with MTE the tag flags mean something; of a slot that exists they are fixed. */
static void tag_flags(void)
{
	static const struct {
		const char *name;
		uint32_t flags;
		int want;
	} rows[] = {
		{ "made with TAGS_OPTIONAL", KVM_MEM_TSR_TAGS_OPTIONAL, 0 },
		{ "TAGS_OPTIONAL taken away later", 0, EINVAL },
		{ "TAGS_ON_TOUCH added later",
		  KVM_MEM_TSR_TAGS_OPTIONAL | KVM_MEM_TSR_TAGS_ON_TOUCH, EINVAL },
		{ "TAGS_ON_TOUCH alone", KVM_MEM_TSR_TAGS_ON_TOUCH, EINVAL },
	};
	uint8_t *buffer = memory_anon(PAGE);
	struct machine m;

	if (!env.tsr || !env.mte) {
		tap_skip(env_lacks(NEED_TSR | NEED_MTE), "a slot's tag flags in a VM with MTE");
		return;
	}
	machine_open(&m, MACHINE_NO_VCPU | MACHINE_MTE);
	for (unsigned int i = 0; i < ROW_COUNT(rows); i++)
		tap_errno(machine_slot(&m, 3, rows[i].flags, TEST_GPA, PAGE, buffer), rows[i].want,
			  "a slot of a VM with MTE: %s", rows[i].name);
	machine_close(&m);
	munmap(buffer, PAGE);
}

void test_slots(void)
{
	struct machine m;

	run_rows(region1, "region");
	run_rows(region2, "region2");
	machine_open(&m, MACHINE_NO_VCPU);
	rows_run(&m, pointer_rows, ROW_COUNT(pointer_rows));
	machine_close(&m);
	tag_flags();
	guest_view();
	all_slots();
}
