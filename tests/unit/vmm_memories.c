/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What tessera caps says of memory: vmm/cmd/memories.c, against docs/abi.md 6.2 and 9. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include "memories.h"

static const struct memories_host full = { true, true, true, true };
static const struct memories_host touch = { true, false, true, true };
static const struct memories_host no_dic = { true, false, false, true };
static const struct memories_host no_mte = { false, false, true, true };
static const struct memories_host plain = { false, false, false, false };
/* In no CPU model: FEAT_MTE_PERM, and caches that need care. */
static const struct memories_host odd = { true, true, false, true };

static const struct {
	const struct memories_host *host;
	const char *memory;
	const char *may[MEMORIES_VMS];
	bool logged;
} rows[] = {
	{ &full, "anonymous memory", { "yes", "yes", "yes", "yes" }, true },
	{ &no_mte, "anonymous memory", { "yes", "no", "no", "no" }, true },
	{ &full, "a file of ext4, mapped shared", { "yes", "no", "tags exit", "tags exit" }, true },
	{ &touch, "a file of ext4, mapped shared", { "yes", "no", "no", "touch exits" }, true },
	{ &full, "device memory, write-back", { "yes", "no", "tags exit", "no" }, false },
	{ &touch, "device memory, write-back", { "yes", "no", "no", "no" }, false },
	{ &no_dic, "device memory, write-back", { "no", "no", "no", "no" }, false },
	{ &odd, "device memory, write-back", { "no", "no", "no", "no" }, false },
	{ &no_mte, "device memory, write-back", { "yes", "no", "no", "no" }, false },
	{ &plain, "device memory, write-back", { "no", "no", "no", "no" }, false },
	{ &odd, "a file of ext4, mapped shared", { "yes", "no", "tags exit", "tags exit" }, true },
	{ &odd, "a BAR, mapped by vfio-pci", { "no fetch", "no", "no fetch", "no" }, false },
	{ &plain, "a BAR, mapped by vfio-pci", { "no fetch", "no", "no", "no" }, false },
};

static void test_lines(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct memories_line line;
		size_t index = 0;
		bool here;

		do
			assert_true(memories_line(rows[i].host, index++, &line, &here));
		while (strcmp(line.memory, rows[i].memory) != 0);
		for (int vm = 0; vm < MEMORIES_VMS; vm++)
			assert_string_equal(line.may[vm], rows[i].may[vm]);
		assert_int_equal(line.logged, rows[i].logged);
		assert_true(here);
	}
}

/* Of the two lines about hugetlb one is of this host. */
static void test_kernel(void **state)
{
	struct memories_line line;
	bool here;

	for (size_t i = 0; memories_line(&plain, i, &line, &here); i++)
		assert_int_equal(here, strcmp(line.memory, "hugetlb, Linux 6.13 and later") != 0);
	for (size_t i = 0; memories_line(&full, i, &line, &here); i++)
		assert_int_equal(here, strcmp(line.memory, "hugetlb, Linux before 6.13") != 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_kernel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
