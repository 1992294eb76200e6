/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The command line of `tessera run`: vmm/cmd/options.c. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include "options.h"
#include "tessera/fault.h"

#define WORDS_MAX 48

/* Splits @line at blanks, as a shell would, and reads it. */
static int parse(const char *line, struct run_options *options)
{
	static char copy[1024];
	char *words[WORDS_MAX + 1], *rest = NULL;
	struct tsr_why why = { "" };
	int count = 0, error;

	strncpy(copy, line, sizeof(copy) - 1);
	for (char *word = strtok_r(copy, " ", &rest); word && count < WORDS_MAX;
	     word = strtok_r(NULL, " ", &rest))
		words[count++] = word;
	words[count] = NULL;
	error = run_options_parse(count, words, options, &why);
	assert_true(!error || strlen(why.text) > 20);
	return error;
}

static void test_defaults(void **state)
{
	struct run_options options;

	assert_int_equal(parse("run image", &options), 0);
	assert_string_equal(options.image, "image");
	assert_string_equal(options.device, "/dev/kvm");
	assert_int_equal(options.vcpus, 1);
	assert_int_equal(options.ram_count, 1);
	assert_int_equal(options.ram[0].gpa.start, 0x40000000);
	assert_int_equal(options.ram[0].gpa.end, 0x48000000);
	assert_int_equal(options.tag_policy, TAG_PROMOTE);
	assert_int_equal(options.slot_policy, TSR_SLOT_PROMOTE);
	assert_false(options.mte || options.timeline || options.stats || options.reboot);
	assert_int_equal(options.argument_count, 0);
}

static void test_all(void **state)
{
	struct run_options options;

	assert_int_equal(parse("run --ram 64M --ram 1M:memfd --ram 0x80000000:4M:file=/f,shared "
			       "--vcpus 4 --mte --on-tag-fault inject --promote-unit page "
			       "--slot-flags touch --on-reset reboot --console-input --timeline "
			       "--stats --device /dev/x image 1 0x20 3G 0",
			       &options),
			 0);
	assert_int_equal(options.ram_count, 3);
	assert_int_equal(options.ram[1].gpa.start, 0x44000000);
	assert_int_equal(options.ram[2].kind, TSR_RAM_FILE_SHARED);
	assert_int_equal(options.vcpus, 4);
	assert_int_equal(options.tag_policy, TAG_INJECT);
	assert_int_equal(options.unit, 4096);
	assert_int_equal(options.slot_policy, TSR_SLOT_ON_TOUCH);
	assert_true(options.mte && options.reboot && options.console_input && options.timeline &&
		    options.stats);
	assert_string_equal(options.device, "/dev/x");
	assert_int_equal(options.argument_count, 4);
	assert_int_equal(options.arguments[2], UINT64_C(3) << 30);
}

static void test_policies(void **state)
{
	struct run_options options;

	assert_int_equal(parse("run --lazy /f --lazy-window 64k --entry 0x40080000 --watch "
			       "0x40000000:1M:rw --watch 0x40100000:4k:xt --watch-every 50 "
			       "--protect-text 0x40080000:8k:x --protect-text 0x40090000:4k "
			       "--on-text-fault inject --socket /s 7 8",
			       &options),
			 0);
	assert_string_equal(options.lazy, "/f");
	assert_int_equal(options.lazy_window, 65536);
	assert_true(options.has_entry && !options.image);
	assert_int_equal(options.entry, 0x40080000);
	assert_int_equal(options.argument_count, 2);
	assert_int_equal(options.watch_count, 2);
	assert_int_equal(options.watches[0].gpa.end, 0x40100000);
	assert_int_equal(options.watches[0].needs, TSR_FAULT_READ | TSR_FAULT_WRITE);
	assert_int_equal(options.watches[1].needs, TSR_FAULT_EXEC | TSR_FAULT_TAG);
	assert_int_equal(options.watch_every, 50);
	assert_int_equal(options.text_count, 2);
	assert_int_equal(options.texts[0].needs, TSR_FAULT_READ | TSR_FAULT_WRITE);
	assert_int_equal(options.texts[1].needs, TSR_FAULT_WRITE);
	assert_int_equal(options.text_policy, TEXT_INJECT);
	assert_string_equal(options.socket, "/s");
	assert_int_equal(parse("run --protect-text auto --protect-text auto:x image", &options), 0);
	assert_int_equal(options.texts[0].gpa.end, 0);
	assert_int_equal(options.texts[1].needs, TSR_FAULT_READ | TSR_FAULT_WRITE);
	assert_int_equal(options.text_policy, TEXT_STOP);
	assert_int_equal(options.watch_every, 1000);
	assert_null(options.lazy);
}

/* "auto" depends on the policy, before or after it. */
static void test_slot_flags(void **state)
{
	static const struct {
		const char *line;
		enum tsr_slot_policy policy;
	} cases[] = {
		{ "run --slot-flags auto i", TSR_SLOT_PROMOTE },
		{ "run --slot-flags auto --on-tag-fault stop i", TSR_SLOT_TAG_ONLY },
		{ "run --on-tag-fault inject i", TSR_SLOT_TAG_ONLY },
		{ "run --slot-flags none i", TSR_SLOT_NONE },
		{ "run --slot-flags optional i", TSR_SLOT_OPTIONAL },
		{ "run --slot-flags touch --on-tag-fault stop i", TSR_SLOT_ON_TOUCH },
	};
	struct run_options options;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(parse(cases[i].line, &options), 0);
		assert_int_equal(options.slot_policy, cases[i].policy);
	}
}

static void all_refused(const char *const *lines, size_t count)
{
	struct run_options options;

	for (size_t i = 0; i < count; i++)
		if (!parse(lines[i], &options))
			fail_msg("\"%s\" was taken", lines[i]);
}

static void test_bad(void **state)
{
	static const char *const cases[] = {
		"run",
		"run --mte",
		"run --unknown image",
		"run -x image",
		"run --ram",
		"run --mte=1 image",
		"run --ram 1 image",
		"run --ram 0x09000000:4k image",
		"run --ram 0x09040000:4k image",
		"run --ram 0x08000000:64M image",
		"run --ram 64M --ram 0x40000000:4k image",
		"run --vcpus 0 image",
		"run --vcpus 513 image",
		"run --vcpus 1:2 image",
		"run --vcpus two image",
		"run --on-tag-fault ignore image",
		"run --promote-unit 1g image",
		"run --mte --tags never image",
		"run --tags lazy image",
		"run --slot-flags all image",
		"run --on-reset never image",
		"run image 1 2 3 4 5",
		"run image x",
		"run image 1:2",
		"run image -1",
		"run --ram 4k --ram 4k --ram 4k --ram 4k --ram 4k --ram 4k --ram 4k --ram 4k "
		"--ram 4k --ram 4k --ram 4k --ram 4k --ram 4k --ram 4k --ram 4k --ram 4k --ram 4k "
		"i",
	};

	all_refused(cases, sizeof(cases) / sizeof(cases[0]));
}

static void test_bad_policies(void **state)
{
	static const char *const cases[] = {
		"run --lazy",
		"run --lazy /f --lazy-window x image",
		"run --lazy /f --lazy-window 0 image",
		"run --lazy /f --lazy-window 4095 image",
		"run --lazy /f --lazy-window 65M image",
		"run --entry 0x40080001",
		"run --entry 0x3ffffffc",
		"run --entry 0xfffffffffffffffc",
		"run --entry 0x48000000",
		"run --watch 0x40000000:4k image",
		"run --watch 0x40000000:4k: image",
		"run --watch 0x40000000:4k:rr image",
		"run --watch 0x40000000:4k:rz image",
		"run --watch 0x40000000:rw image",
		"run --watch 4k:rw image",
		"run --watch 0x40000800:4k:rw image",
		"run --watch 0x30000000:4k:rw image",
		"run --watch 0x47fff000:8k:rw image",
		"run --watch 0xfffffffffffff000:4k:rw image",
		"run --watch 0x1000:0xfffffffffffff000:rw image",
		"run --watch 0x40000000:0:rw image",
		"run --watch 0x40000000:18014398509481984k:rw image",
		"run --watch  image",
		"run --watch x:4k:rw image",
		"run --watch-every 9 image",
		"run --watch-every 1T image",
		"run --watch-every x image",
		"run --protect-text 0x40000000 image",
		"run --protect-text 0x40000000:4k:r image",
		"run --protect-text automatic image",
		"run --protect-text a image",
		"run --protect-text 0xfffffffffffff000:4k image",
		"run --protect-text auto --entry 0x40080000",
		"run --protect-text 0x48000000:4k image",
		"run --on-text-fault promote image",
	};

	all_refused(cases, sizeof(cases) / sizeof(cases[0]));
}

static void test_private(void **state)
{
	struct run_options options;

	assert_int_equal(parse("run --ram 32M --ram 0x80000000:4M:memfd --private 0x80001000:8k "
			       "--private 0x80100000:1M image",
			       &options),
			 0);
	assert_int_equal(options.private_count, 2);
	assert_int_equal(options.privates[0].end, 0x80003000);
	assert_false(options.ram[0].guest_memfd);
	assert_true(options.ram[1].guest_memfd);
	assert_int_equal(parse("run --private all --ram 32M --ram 4M:memfd image", &options), 0);
	assert_int_equal(options.private_count, 2);
	assert_int_equal(options.privates[1].start, 0x42000000);
	assert_true(options.ram[0].guest_memfd && options.ram[1].guest_memfd);
	assert_int_equal(
		parse("run --lazy /f --ram 32M --ram 4M --private 0x42000000:4M image", &options),
		0);
	assert_false(options.ram[0].guest_memfd);
	assert_int_equal(parse("run image", &options), 0);
	assert_int_equal(options.private_count, 0);
	assert_false(options.ram[0].guest_memfd);
}

static void test_bad_private(void **state)
{
	static const char *const cases[] = {
		"run --private",
		"run --private  image",
		"run --private none image",
		"run --private all: image",
		"run --private 0x40000000 image",
		"run --private 0x40000000:0 image",
		"run --private 0x40000000:4095 image",
		"run --private 0x40000000:4k:x image",
		"run --private 0x48000000:4k image",
		"run --private 0x47fff000:8k image",
		"run --private 0xfffffffffffff000:4k image",
		"run --ram 32M --ram 4M --private 0x41fff000:8k image",
		"run --ram 32M:file=/f --private all image",
		"run --ram 32M --ram 4M:file=/f,shared --private 0x42000000:4k image",
		"run --lazy /f --private all image",
		"run --lazy /f --private 0x40000000:4k image",
		"run --private 0x40000000:4k --private 0x40000000:4k --private 0x40000000:4k "
		"--private 0x40000000:4k --private 0x40000000:4k --private 0x40000000:4k "
		"--private 0x40000000:4k --private 0x40000000:4k --private 0x40000000:4k "
		"--private 0x40000000:4k --private 0x40000000:4k --private 0x40000000:4k "
		"--private 0x40000000:4k --private 0x40000000:4k --private 0x40000000:4k "
		"--private 0x40000000:4k --private 0x40000000:4k image",
	};

	all_refused(cases, sizeof(cases) / sizeof(cases[0]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults), cmocka_unit_test(test_all),
		cmocka_unit_test(test_policies), cmocka_unit_test(test_slot_flags),
		cmocka_unit_test(test_bad),	 cmocka_unit_test(test_bad_policies),
		cmocka_unit_test(test_private),	 cmocka_unit_test(test_bad_private),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("vmm_options", tests, NULL, NULL);
}
