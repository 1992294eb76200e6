// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* KVM_SET_MEMORY_ATTRIBUTES as a call: docs/abi.md 4.3. What it does is fault.c's. */
#include <errno.h>

#include "groups.h"
#include "rows.h"
#include "tap.h"

#define NW	KVM_MEMORY_ATTRIBUTE_NW
#define SET	KVM_MEMORY_ATTRIBUTES_SET
#define CLR	KVM_MEMORY_ATTRIBUTES_CLEAR
#define IPA_END (1UL << IPA_BITS)

static const struct attr_row {
	const char *name;
	uint64_t address, size, attributes, flags;
	int want;
} rows[] = {
	{ "a page", TEST_GPA, PAGE, NW, 0, 0 },
	{ "a page again", TEST_GPA, PAGE, NW, 0, 0 },
	{ "a page set to nothing", TEST_GPA, PAGE, 0, 0, 0 },
	{ "SET", TEST_GPA, PAGE, NW, SET, 0 },
	{ "CLEAR", TEST_GPA, PAGE, NW, CLR, 0 },
	{ "CLEAR of what is not set", TEST_GPA, PAGE, NW, CLR, 0 },
	{ "SET of nothing", TEST_GPA, PAGE, 0, SET, 0 },
	{ "CLEAR of nothing", TEST_GPA, PAGE, 0, CLR, 0 },
	{ "page 0", 0, PAGE, NW, 0, 0 },
	{ "the last page", IPA_END - PAGE, PAGE, NW, 0, 0 },
	{ "2 MiB", TEST_GPA, BLOCK, NW, 0, 0 },
	{ "1 GiB and a page, unaligned to either", TEST_GPA - PAGE, (1UL << 30) + PAGE, NW, 0, 0 },
	{ "the whole IPA space", 0, IPA_END, NW, 0, 0 },
	{ "the whole IPA space but its ends", PAGE, IPA_END - 2 * PAGE, 0, 0, 0 },
	{ "the whole IPA space set", 0, IPA_END, NW, SET, 0 },
	{ "the whole IPA space cleared", 0, IPA_END, NW, CLR, 0 },
	{ "size 0", TEST_GPA, 0, NW, 0, EINVAL },
	{ "size 0 at 0", 0, 0, 0, 0, EINVAL },
	{ "address not aligned", TEST_GPA + 1, PAGE, NW, 0, EINVAL },
	{ "address in the middle of a page", TEST_GPA + PAGE / 2, PAGE, NW, 0, EINVAL },
	{ "size not aligned", TEST_GPA, PAGE + 1, NW, 0, EINVAL },
	{ "size less than a page", TEST_GPA, PAGE - 1, NW, 0, EINVAL },
	{ "overflow", ~0UL << 12, 2 * PAGE, NW, 0, EINVAL },
	{ "overflow to 0", ~0UL << 12, PAGE, NW, 0, EINVAL },
	{ "all of 64 bits", 0, ~0UL << 12, NW, 0, EINVAL },
	{ "a page beyond the IPA space", IPA_END, PAGE, NW, 0, EINVAL },
	{ "one page of two beyond the IPA space", IPA_END - PAGE, 2 * PAGE, NW, 0, EINVAL },
	{ "the IPA space and a page", 0, IPA_END + PAGE, NW, 0, EINVAL },
	{ "SET and CLEAR", TEST_GPA, PAGE, NW, SET | CLR, EINVAL },
	{ "flag 2", TEST_GPA, PAGE, NW, 1UL << 2, EINVAL },
	{ "flag 63", TEST_GPA, PAGE, NW, 1UL << 63, EINVAL },
	{ "SET and flag 32", TEST_GPA, PAGE, NW, SET | 1UL << 32, EINVAL },
};

static const struct row pointer_rows[] = {
	{ "NULL", NEED_TSR, FD_VM, KVM_SET_MEMORY_ATTRIBUTES, PTR_NULL, EFAULT },
	{ "unmapped", NEED_TSR, FD_VM, KVM_SET_MEMORY_ATTRIBUTES, PTR_UNMAPPED, EFAULT },
	{ "a kernel address", NEED_TSR, FD_VM, KVM_SET_MEMORY_ATTRIBUTES, PTR_KERNEL, EFAULT },
};

/* Each of the 64 bits, by what CHECK_EXTENSION says of it, with each way to set it. */
static void each_bit(struct machine *m, const char *vm)
{
	static const uint64_t ways[] = { 0, SET, CLR };
	uint64_t mask = (uint64_t)call(m->vm, KVM_CHECK_EXTENSION, KVM_CAP_MEMORY_ATTRIBUTES);

	tap_ok(mask & NW, "%s: NW is offered", vm);
	tap_ok(mask & KVM_MEMORY_ATTRIBUTE_PRIVATE, "%s: PRIVATE is offered", vm);
	for (unsigned int bit = 0; bit < 64; bit++) {
		bool pass = true;

		for (unsigned int way = 0; way < ROW_COUNT(ways); way++) {
			long ret = machine_attr(m, TEST_GPA, PAGE, 1UL << bit, ways[way]);

			pass = pass && ret == (mask >> bit & 1 ? 0 : -EINVAL);
			machine_attr(m, TEST_GPA, PAGE, 0, 0);
		}
		tap_ok(pass, "%s: attribute bit %u is %s", vm, bit,
		       mask >> bit & 1 ? "taken" : "refused");
	}
	tap_errno(machine_attr(m, TEST_GPA, PAGE, mask, 0), 0, "%s: all that is offered at once",
		  vm);
	tap_errno(machine_attr(m, TEST_GPA, PAGE, ~0UL, 0), EINVAL, "%s: all bits", vm);
}

/* Every second page of 4 GiB, then all of it: cost follows pieces, and pieces join. */
static void fragments(struct machine *m)
{
	bool pass = true;

	for (uint64_t i = 0; i < 4096; i++)
		pass = pass && !machine_attr(m, TEST_GPA + i * (1UL << 20), PAGE, NW, SET);
	tap_ok(pass, "4,096 scattered pages");
	tap_errno(machine_attr(m, TEST_GPA, 1UL << 32, 0, 0), 0, "all of them cleared at once");
}

void test_attrs(void)
{
	struct machine m;

	if (!env.tsr) {
		tap_skip(env_lacks(NEED_TSR), "SET_MEMORY_ATTRIBUTES");
		return;
	}
	machine_open(&m, MACHINE_NO_VCPU);
	for (unsigned int i = 0; i < ROW_COUNT(rows); i++)
		tap_errno(machine_attr(&m, rows[i].address, rows[i].size, rows[i].attributes,
				       rows[i].flags),
			  rows[i].want, "SET_MEMORY_ATTRIBUTES: %s", rows[i].name);
	rows_run(&m, pointer_rows, ROW_COUNT(pointer_rows));
	each_bit(&m, "no MTE");
	fragments(&m);
	machine_close(&m);
	if (!env.mte) {
		tap_skip(env_lacks(NEED_MTE), "attributes of a VM with MTE");
		return;
	}
	machine_open(&m, MACHINE_MTE | MACHINE_NO_VCPU);
	each_bit(&m, "MTE");
	machine_close(&m);
}
