/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The memory of a VM as text and as numbers: vmm/lib/layout.c. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include "tessera/layout.h"
#include "tessera/lazy.h"

static void test_numbers(void **state)
{
	static const struct {
		const char *text;
		int error;
		uint64_t value;
	} cases[] = {
		{ "0", 0, 0 },
		{ "4096", 0, 4096 },
		{ "010", 0, 10 },
		{ "0x40000000", 0, 0x40000000 },
		{ "64M", 0, UINT64_C(64) << 20 },
		{ "1k", 0, 1024 },
		{ "0x10G", 0, UINT64_C(16) << 30 },
		{ "2T", 0, UINT64_C(2) << 40 },
		{ "18446744073709551615", 0, UINT64_MAX },
		{ "18446744073709551616", -ERANGE, 0 },
		{ "16777216T", -ERANGE, 0 },
		{ "", -EINVAL, 0 },
		{ "-1", -EINVAL, 0 },
		{ " 1", -EINVAL, 0 },
		{ "0x", -EINVAL, 0 },
		{ "1KB", -EINVAL, 0 },
		{ "M", -EINVAL, 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t value = 0;

		assert_int_equal(tsr_number_parse(cases[i].text, &value, NULL), cases[i].error);
		assert_int_equal(value, cases[i].value);
	}
}

static void test_specs(void **state)
{
	static const struct {
		const char *text;
		uint64_t start, size;
		enum tsr_ram_kind kind;
		bool exclusive;
		const char *path;
	} cases[] = {
		{ "64M", 0x1000, UINT64_C(64) << 20, TSR_RAM_ANON, false, "" },
		{ "0x80000000:64M", 0x80000000, UINT64_C(64) << 20, TSR_RAM_ANON, false, "" },
		{ "4k:memfd", 0x1000, 4096, TSR_RAM_MEMFD, false, "" },
		{ "8k:4k:anon", 0x2000, 4096, TSR_RAM_ANON, false, "" },
		{ "4k:file=/a", 0x1000, 4096, TSR_RAM_FILE_PRIVATE, false, "/a" },
		{ "4k:file=/a:b,c,private", 0x1000, 4096, TSR_RAM_FILE_PRIVATE, false, "/a:b,c" },
		{ "4k:file=x,shared", 0x1000, 4096, TSR_RAM_FILE_SHARED, false, "x" },
		{ "4k:file=x,exclusive", 0x1000, 4096, TSR_RAM_FILE_SHARED, true, "x" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tsr_ram_spec spec;

		assert_int_equal(tsr_ram_spec_parse(cases[i].text, 0x1000, &spec, NULL), 0);
		assert_int_equal(spec.gpa.start, cases[i].start);
		assert_int_equal(tsr_range_size(spec.gpa), cases[i].size);
		assert_int_equal(spec.kind, cases[i].kind);
		assert_int_equal(spec.exclusive, cases[i].exclusive);
		assert_string_equal(spec.path, cases[i].path);
	}
}

static void test_bad_specs(void **state)
{
	static const char *const cases[] = {
		"",
		":",
		"x",
		"0",
		"4095",
		"1:4k",
		"4k:",
		"4k:disk",
		"4k:file=",
		"4k:file=,private",
		"4k:4k:4k:anon",
		"0xfffffffffffff000:4k",
		"0xfffffffffffff000:8k",
	};
	char longest[400] = "4k:file=";

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tsr_why why = { "" };
		struct tsr_ram_spec spec;

		assert_true(tsr_ram_spec_parse(cases[i], 0, &spec, &why) < 0);
		assert_true(strlen(why.text) > 20);
	}
	memset(longest + 8, 'a', 300);
	assert_int_equal(tsr_ram_spec_parse(longest, 0, &(struct tsr_ram_spec){ 0 }, NULL),
			 -EINVAL);
}

static struct tsr_ram_spec spec_at(uint64_t start, uint64_t size)
{
	return (struct tsr_ram_spec){ .gpa = { start, start + size }, .kind = TSR_RAM_ANON };
}

static void test_layouts(void **state)
{
	struct tsr_range devices = { 0x9000000, 0x9001000 };
	struct tsr_ram_spec specs[TSR_RAM_REGIONS_MAX + 1] = {
		spec_at(0x40000000, 0x1000),
		spec_at(0x40001000, 0x1000),
		spec_at(0, 0x1000),
	};
	unsigned int bits;

	assert_int_equal(tsr_layout_check(specs, 3, &devices, 1, &bits, NULL), 0);
	assert_int_equal(bits, 31);
	specs[2] = spec_at(UINT64_C(1) << 40, 0x1000);
	assert_int_equal(tsr_layout_check(specs, 3, &devices, 1, &bits, NULL), 0);
	assert_int_equal(bits, 41);
	specs[2] = spec_at((UINT64_C(1) << 40) - 0x1000, 0x1000);
	assert_int_equal(tsr_layout_check(specs, 3, &devices, 1, &bits, NULL), 0);
	assert_int_equal(bits, 40);
	specs[2] = spec_at(0x40001000, 0x1000);
	assert_int_equal(tsr_layout_check(specs, 3, &devices, 1, &bits, NULL), -EINVAL);
	specs[2] = spec_at(0x8fff000, 0x2000);
	assert_int_equal(tsr_layout_check(specs, 3, &devices, 1, &bits, NULL), -EINVAL);
	assert_int_equal(tsr_layout_check(specs, 0, &devices, 1, &bits, NULL), -EINVAL);
	assert_int_equal(tsr_layout_check(specs, TSR_RAM_REGIONS_MAX + 1, &devices, 1, &bits, NULL),
			 -EINVAL);
}

#define PAGES 1024

/* What comes along with a page of lazy memory: tsr_lazy_plan() of vmm/lib/lazy.c. */
static void test_window(void **state)
{
	static const struct {
		struct tsr_page_run arrived, also;
		uint64_t page, window;
		struct tsr_page_run plan;
	} cases[] = {
		{ { 0, 0 }, { 0, 0 }, 100, 256, { 100, 101 } },
		{ { 99, 100 }, { 0, 0 }, 100, 256, { 100, 101 } },
		{ { 98, 100 }, { 0, 0 }, 100, 256, { 100, 102 } },
		{ { 0, 100 }, { 0, 0 }, 100, 256, { 100, 151 } },
		{ { 0, 100 }, { 0, 0 }, 100, 16, { 100, 116 } },
		{ { 0, 100 }, { 0, 0 }, 100, 1, { 100, 101 } },
		{ { 0, 100 }, { 110, 111 }, 100, 256, { 100, 110 } },
		{ { 0, 100 }, { 0, 0 }, 101, 256, { 101, 102 } },
		{ { 101, 201 }, { 0, 0 }, 100, 256, { 50, 101 } },
		{ { 101, 201 }, { 60, 61 }, 100, 256, { 61, 101 } },
		{ { 101, 201 }, { 0, 0 }, 100, 16, { 85, 101 } },
		{ { 2, 100 }, { 0, 0 }, 1, 256, { 0, 2 } },
		{ { 0, 1000 }, { 0, 0 }, 1000, 256, { 1000, 1024 } },
		{ { 0, 100 }, { 101, 201 }, 100, 16, { 100, 101 } },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tsr_page_run plan;
		struct tsr_pages arrived;

		assert_int_equal(tsr_pages_init(&arrived, PAGES), 0);
		tsr_pages_set(&arrived, cases[i].arrived);
		tsr_pages_set(&arrived, cases[i].also);
		plan = tsr_lazy_plan(&arrived, cases[i].page, cases[i].window);
		if (plan.first != cases[i].plan.first || plan.last != cases[i].plan.last)
			fail_msg("case %zu: %lu-%lu", i, plan.first, plan.last);
		tsr_pages_free(&arrived);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_window),	cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_specs),	cmocka_unit_test(test_bad_specs),
		cmocka_unit_test(test_layouts),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("vmm_layout", tests, NULL, NULL);
}
