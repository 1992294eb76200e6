/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Handlers of memory faults in a chain: vmm/lib/fault.c. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include "tessera/fault.h"

struct fake {
	enum tsr_verdict verdict;
	int calls;
};

static enum tsr_verdict fake_handle(void *opaque, struct tsr_vcpu *vcpu,
				    const struct tsr_fault *fault, struct tsr_why *why)
{
	struct fake *fake = opaque;

	fake->calls++;
	if (fake->verdict == TSR_STOP)
		tsr_because(why, -EIO, "the fake stops");
	return fake->verdict;
}

static void test_order(void **state)
{
	static const struct {
		enum tsr_verdict first, second, result;
		int second_calls;
	} cases[] = {
		{ TSR_RESOLVED, TSR_RESOLVED, TSR_RESOLVED, 0 },
		{ TSR_STOP, TSR_RESOLVED, TSR_STOP, 0 },
		{ TSR_NOT_MINE, TSR_RESOLVED, TSR_RESOLVED, 1 },
		{ TSR_NOT_MINE, TSR_STOP, TSR_STOP, 1 },
		{ TSR_NOT_MINE, TSR_NOT_MINE, TSR_STOP, 1 },
	};
	struct tsr_fault fault = { .flags = TSR_FAULT_TAG, .gpa = 0x80000000, .size = 4096 };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fake first = { cases[i].first, 0 }, second = { cases[i].second, 0 };
		struct tsr_handler chain[] = { { fake_handle, &first }, { fake_handle, &second } };
		struct tsr_why why = { "" };

		assert_int_equal(tsr_fault_dispatch(chain, 2, NULL, &fault, &why), cases[i].result);
		assert_int_equal(first.calls, 1);
		assert_int_equal(second.calls, cases[i].second_calls);
		assert_int_equal(why.text[0] != '\0', cases[i].result == TSR_STOP);
	}
}

static void test_empty_chain(void **state)
{
	struct tsr_fault fault = { .flags = TSR_FAULT_WRITE, .gpa = 0x1000, .size = 4096 };
	struct tsr_why why = { "" };

	assert_int_equal(tsr_fault_dispatch(NULL, 0, NULL, &fault, &why), TSR_STOP);
	assert_non_null(strstr(why.text, "to write at 0x1000"));
}

static void test_needs(void **state)
{
	static const struct {
		uint64_t flags;
		bool poisoned;
		const char *need;
	} cases[] = {
		{ TSR_FAULT_READ, false, "to read" },
		{ TSR_FAULT_WRITE, false, "to write" },
		{ TSR_FAULT_EXEC, false, "to execute" },
		{ TSR_FAULT_PRIVATE, false, "private memory" },
		{ TSR_FAULT_TAG, false, "allocation tags" },
		{ TSR_FAULT_READ, true, "memory that has failed in hardware" },
		{ UINT64_C(1) << 40, false, "something this VMM does not know" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tsr_fault fault = { .flags = cases[i].flags, .poisoned = cases[i].poisoned };

		assert_string_equal(tsr_fault_need(&fault), cases[i].need);
	}
}

static void test_stop_names_the_memory(void **state)
{
	struct tsr_ram ram = { .count = 1 };
	struct tsr_fault fault = { .flags = TSR_FAULT_TAG, .gpa = 0x2000, .size = 4096 };
	struct tsr_why why;

	ram.regions[0].gpa = (struct tsr_range){ 0x2000, 0x3000 };
	ram.regions[0].kind = TSR_RAM_FILE_SHARED;
	strcpy(ram.regions[0].path, "/mnt/ram");
	assert_int_equal(tsr_fault_stop(&ram, NULL, &fault, &why), TSR_STOP);
	assert_non_null(strstr(why.text, "shared file mapping /mnt/ram"));
	assert_non_null(strstr(why.text, "cannot hold tags"));
	fault.gpa = 0x3000;
	fault.flags = TSR_FAULT_READ;
	assert_int_equal(tsr_fault_stop(&ram, NULL, &fault, &why), TSR_STOP);
	assert_non_null(strstr(why.text, "no memory of the guest"));
	assert_null(strstr(why.text, "cannot hold tags"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_empty_chain),
		cmocka_unit_test(test_needs),
		cmocka_unit_test(test_stop_names_the_memory),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("vmm_fault", tests, NULL, NULL);
}
