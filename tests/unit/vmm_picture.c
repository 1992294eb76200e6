/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Snapshots, from text that nobody trusts, and the pictures of them: vmm/cmd/. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include "alloc_fail.h"
#include "look.h"

#define HEAD "tessera-snapshot 1\nvm 4d2 2 1 1 1 0\n"
#define SLOT "slot 40000000 400000 1 0 :\n"

static const char good[] = HEAD SLOT "cell 40000000 1000 7 0 0 0 8\n"
				     "cell 40001000 1000 2 15 0 3 23\n"
				     "cell 40200000 200000 0 17 9 3 27\n"
				     "slot 80000000 200000 3 0 :/mnt/a%20<b>&%c3%a4%0a\n"
				     "cell 80000000 100000 0 7 0 2 3\n"
				     "cell 80100000 100000 0 17 0 2 13\n"
				     "end 5\n";

static int read_text(const char *text, struct snapshot *snapshot)
{
	FILE *file = fmemopen((void *)text, strlen(text), "r");
	struct tsr_why why = { "" };
	int error;

	assert_non_null(file);
	error = snapshot_read(file, snapshot, &why);
	assert_true(!error || strlen(why.text) > 20);
	fclose(file);
	return error;
}

static void test_good(void **state)
{
	struct snapshot snapshot;

	assert_int_equal(read_text(good, &snapshot), 0);
	assert_int_equal(snapshot.pid, 1234);
	assert_int_equal(snapshot.vcpus, 2);
	assert_true(snapshot.mte && snapshot.notag && snapshot.tessera && !snapshot.cut);
	assert_int_equal(snapshot.slot_count, 2);
	assert_int_equal(snapshot.cell_count, 5);
	assert_int_equal(snapshot.slots[1].kind, TSR_RAM_FILE_PRIVATE);
	assert_int_equal(snapshot.slots[1].first, 3);
	assert_int_equal(snapshot.slots[1].last, 5);
	/* What a terminal could take for a command is gone. */
	assert_string_equal(snapshot.slots[1].path, "/mnt/a <b>&???");
	assert_int_equal(snapshot.cells[2].order, 9);
	snapshot_free(&snapshot);
	assert_int_equal(read_text(HEAD "end 0\n", &snapshot), 0);
	snapshot_free(&snapshot);
	assert_int_equal(read_text(HEAD SLOT "cut 0\n", &snapshot), 0);
	assert_true(snapshot.cut);
	snapshot_free(&snapshot);
}

static void test_bad(void **state)
{
	static const char *const cases[] = {
		" ",
		"tessera-snapshot 2\n",
		"tessera-snapshot 1\n",
		HEAD,
		HEAD "end 1\n",
		HEAD "end 0",
		HEAD "end 0 0\n",
		HEAD "other 1\n",
		"tessera-snapshot 1\nvm 1 2 2 1 1 0\nend 0\n",
		"tessera-snapshot 1\nvm 1 2 1 1 1\nend 0\n",
		"tessera-snapshot 1\nvm 1 2 1 1 1 0 0\nend 0\n",
		"tessera-snapshot 1\nvm 1 -2 1 1 1 0\nend 0\n",
		HEAD "cell 40000000 1000 0 0 0 0 0\nend 1\n",
		HEAD "slot 40000000 400000 1 0\nend 0\n",
		HEAD "slot 40000000 400000 1 0 /x\nend 0\n",
		HEAD "slot 40000000 400000 1 0 :a b\nend 0\n",
		HEAD "slot 40000000 400000 1 0 :%2\nend 0\n",
		HEAD "slot 40000000 400000 1 0 :%zz\nend 0\n",
		HEAD "slot 40000000 0 1 0 :\nend 0\n",
		HEAD "slot 40000800 1000 1 0 :\nend 0\n",
		HEAD "slot 40000000 1000 0 0 :\nend 0\n",
		HEAD "slot 40000000 1000 5 0 :\nend 0\n",
		HEAD "slot 40000000 1000 1 2 :\nend 0\n",
		HEAD "slot fffffffffffff000 1000 1 0 :\nend 0\n",
		HEAD "slot 10000000000000 1000 1 0 :\nend 0\n",
		HEAD "slot 40000000 10000000000000000 1 0 :\nend 0\n",
		HEAD SLOT "cell 3ffff000 2000 0 0 0 0 0\nend 1\n",
		HEAD SLOT "cell 403ff000 2000 0 0 0 0 0\nend 1\n",
		HEAD SLOT "cell 40000000 0 0 0 0 0 0\nend 1\n",
		HEAD SLOT "cell 40000000 1000 8 0 0 0 0\nend 1\n",
		HEAD SLOT "cell 40000000 1000 0 20 0 0 0\nend 1\n",
		HEAD SLOT "cell 40000000 1000 0 0 5 0 0\nend 1\n",
		HEAD SLOT "cell 40000000 1000 0 0 0 6 0\nend 1\n",
		HEAD SLOT "cell 40000000 1000 0 0 0 0 80\nend 1\n",
		HEAD SLOT "cell 40000000 1000 0 0 0 0\nend 1\n",
		HEAD SLOT "cell 40000000 1000 0 0 0 0 0 0\nend 1\n",
		HEAD SLOT "cell 0x40000000 1000 0 0 0 0 0\nend 1\n",
		HEAD SLOT "cell 40001000 1000 0 0 0 0 0\ncell 40000000 1000 0 0 0 0 0\nend 2\n",
		HEAD SLOT "cell 40000000 2000 0 0 0 0 0\ncell 40001000 1000 0 0 0 0 0\nend 2\n",
	};
	struct snapshot snapshot;
	char text[4096];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (read_text(cases[i], &snapshot) != -EPROTO)
			fail_msg("\"%s\" was taken", cases[i]);
	/* Too many slots, and too long a line. */
	strcpy(text, HEAD);
	for (int i = 0; i <= TSR_RAM_REGIONS_MAX; i++)
		strcat(text, SLOT);
	assert_int_equal(read_text(strcat(text, "end 0\n"), &snapshot), -EPROTO);
	strcpy(text, HEAD "slot 40000000 400000 1 0 :");
	memset(text + strlen(text), 'a', 2000);
	assert_int_equal(read_text(text, &snapshot), -EPROTO);
	text[strlen(HEAD) + 27 + 300] = '\0';
	assert_int_equal(read_text(strcat(text, "\nend 0\n"), &snapshot), -EPROTO);
}

/* Every text that differs from a good one in a byte, or ends early, is read or refused. */
static void test_any_text(void **state)
{
	struct snapshot snapshot;
	char text[sizeof(good)];

	for (size_t at = 0; at + 1 < sizeof(good); at++) {
		for (unsigned int byte = 1; byte < 256; byte += 7) {
			memcpy(text, good, sizeof(good));
			text[at] = (char)byte;
			if (!read_text(text, &snapshot))
				snapshot_free(&snapshot);
		}
		memcpy(text, good, at);
		text[at] = '\0';
		if (at)
			assert_int_equal(read_text(text, &snapshot), -EPROTO);
	}
}

/* Each time that the array of cells grows it may not: an error, and nothing is held. */
static void test_failing_allocations(void **state)
{
	static char text[40000];
	struct snapshot snapshot;
	FILE *file = fmemopen(text, sizeof(text), "w");
	struct tsr_why why;
	int error = -ENOMEM, tries;

	fputs(HEAD SLOT, file);
	for (unsigned int i = 0; i < 600; i++)
		fprintf(file, "cell %x 1000 0 0 0 0 0\n", 0x40000000 + i * 4096);
	fputs("end 258\n", file);
	fclose(file);
	for (tries = 0; error; tries++) {
		file = fmemopen(text, strlen(text), "r");
		alloc_fail_after = tries;
		error = snapshot_read(file, &snapshot, &why);
		alloc_fail_after = -1;
		fclose(file);
		assert_true(!error || error == -ENOMEM);
	}
	assert_int_equal(tries, 4);
	assert_int_equal(snapshot.cell_count, 600);
	snapshot_free(&snapshot);
}

/* What was written is read, names with anything in them too. */
static void test_round_trip(void **state)
{
	struct snapshot_slot slot = {
		.gpa = { 0x1000, 0x3000 },
		.kind = TSR_RAM_FILE_SHARED,
		.exclusive = true,
		.path = "beef 100% \xff\n/x",
	};
	struct tsr_cell cell = {
		.gpa = { 0x1000, 0x2000 },
		.denied = TSR_FAULT_WRITE,
		.granted = TSR_FAULT_READ | TSR_FAULT_TAG,
		.behind = TSR_BEHIND_SWAP,
		.flags = TSR_CELL_MAPPED | TSR_CELL_DIRTY,
	};
	struct snapshot snapshot;
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	fputs(HEAD, file);
	snapshot_write_slot(file, &slot);
	snapshot_write_cell(file, &cell);
	fputs("end 1\n", file);
	fclose(file);
	assert_int_equal(read_text(text, &snapshot), 0);
	assert_string_equal(snapshot.slots[0].path, "beef 100% ?"
						    "?"
						    "/x");
	assert_true(snapshot.slots[0].exclusive);
	assert_memory_equal(&snapshot.cells[0], &cell, sizeof(cell));
	snapshot_free(&snapshot);
	free(text);
}

static void test_looks(void **state)
{
	static const struct {
		struct tsr_cell cell;
		bool mte;
		enum look_class kind;
	} cases[] = {
		{ { .flags = TSR_CELL_MAPPED, .granted = 0x17 }, true, LOOK_RWX },
		{ { .flags = TSR_CELL_MAPPED, .granted = 0x07 }, false, LOOK_RWX },
		{ { .flags = TSR_CELL_MAPPED, .granted = 0x07 }, true, LOOK_NOTAG },
		{ { .flags = TSR_CELL_MAPPED, .granted = 0x13 }, true, LOOK_RW },
		{ { .flags = TSR_CELL_MAPPED, .granted = 0x15 }, true, LOOK_RX },
		{ { .flags = TSR_CELL_MAPPED, .granted = 0x01 }, true, LOOK_RX },
		{ { .flags = TSR_CELL_MAPPED, .granted = 0x04 }, true, LOOK_X },
		{ { .flags = TSR_CELL_MAPPED, .granted = 0x02 }, true, LOOK_OTHER },
		{ { .flags = TSR_CELL_WAITING, .denied = 7 }, true, LOOK_WAITING },
		{ { .denied = 7, .behind = TSR_BEHIND_OWN }, true, LOOK_CLOSED },
		{ { .denied = 2 }, true, LOOK_PARTLY },
		{ { .flags = TSR_CELL_PRIVATE }, true, LOOK_HIDDEN },
		{ { .flags = TSR_CELL_PRIVATE, .denied = 7 }, true, LOOK_CLOSED },
		{ { .flags = TSR_CELL_PRIVATE | TSR_CELL_MAPPED, .granted = 0x17 },
		  true,
		  LOOK_PRIVATE },
		{ { .flags = TSR_CELL_PRIVATE | TSR_CELL_MAPPED, .granted = 0x11, .denied = 2 },
		  true,
		  LOOK_RX },
		{ { .behind = TSR_BEHIND_FILE }, true, LOOK_HOST },
		{ { .behind = TSR_BEHIND_NOTHING }, true, LOOK_NOTHING },
		{ { .behind = TSR_BEHIND_UNKNOWN }, true, LOOK_UNKNOWN },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct snapshot snapshot = { .mte = cases[i].mte };

		assert_int_equal(look_of(&snapshot, &cases[i].cell).kind, cases[i].kind);
	}
}

/* Most of what is there decides, however much of nothing is around it. */
static void test_sample(void **state)
{
	struct snapshot snapshot;
	struct look looks[4];
	size_t at;

	assert_int_equal(read_text(HEAD SLOT "cell 40000000 1000 0 7 0 3 1\n"
					     "cell 40001000 3f000 0 0 0 0 0\n"
					     "cell 40040000 1000 0 7 0 3 1\n"
					     "cell 40041000 2000 7 0 0 0 0\n"
					     "cell 40080000 40000 0 0 0 0 0\nend 5\n",
				   &snapshot),
			 0);
	at = snapshot.slots[0].first;
	looks_sample(&snapshot, &snapshot.slots[0], &at, 0x40000000, 0x40000, looks, 4);
	assert_int_equal(looks[0].kind, LOOK_NOTAG);
	assert_int_equal(looks[1].kind, LOOK_CLOSED);
	assert_int_equal(looks[2].kind, LOOK_NOTHING);
	assert_int_equal(looks[3].kind, LOOK_UNKNOWN);
	snapshot_free(&snapshot);
}

static char *picture(const struct snapshot *snapshot, bool svg)
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	if (svg)
		picture_svg(file, snapshot);
	else
		picture_text(file, snapshot, true);
	fclose(file);
	return text;
}

static void test_text(void **state)
{
	struct snapshot snapshot;
	char *text;

	assert_int_equal(read_text(good, &snapshot), 0);
	text = picture(&snapshot, false);
	assert_non_null(strstr(text, "Process 1234: 2 vCPUs, MTE with NoTagAccess\n"));
	assert_non_null(strstr(text, "slot 0  0x40000000-0x40400000  4 MiB  anonymous memory\n"
				     "  mapped 2 MiB  by blocks 2 MiB  tags open 2 MiB"));
	assert_non_null(strstr(text, "  a letter is 4 KiB\n      40000000  ~r??"));
	assert_non_null(strstr(text, "      40200000  WWWWWWWWWWWWWWWW"));
	assert_non_null(strstr(text, "private file mapping /mnt/a <b>&???"));
	assert_non_null(strstr(text, "      80000000  nnnn"));
	assert_non_null(strstr(text, "      80100000  wwww"));
	assert_non_null(strstr(text, "40200000     40400000      2 MiB  rwxt 2 MiB ---- own     "
				     " young huge dirty\n"));
	free(text);
	snapshot_free(&snapshot);
}

/* Tags that are opened are closed, quotes are in pairs, and nothing of a name is markup. */
static void assert_well_formed(const char *text)
{
	int depth = 0, elements = 0;

	for (const char *at = strchr(text, '<'); at; at = strchr(at + 1, '<')) {
		const char *end = strchr(at, '>');
		int quotes = 0;

		assert_non_null(end);
		for (const char *c = at + 1; c < end; c++) {
			assert_true(*c != '<');
			quotes += *c == '"';
		}
		assert_true(quotes % 2 == 0);
		elements++;
		if (at[1] == '/')
			depth--;
		else if (end[-1] != '/')
			depth++;
		assert_true(depth >= 0);
	}
	assert_int_equal(depth, 0);
	assert_true(elements > 40);
}

static void test_svg(void **state)
{
	struct snapshot snapshot;
	char *text;

	assert_int_equal(read_text(good, &snapshot), 0);
	text = picture(&snapshot, true);
	assert_ptr_equal(strstr(text, "<svg "), text);
	assert_well_formed(text);
	assert_non_null(strstr(text, "/mnt/a &lt;b>&amp;???"));
	assert_non_null(strstr(text, ">0x40000000</text>"));
	free(text);
	snapshot_free(&snapshot);
}

/* One page with tags among many shows, and the slot says how many there are. */
static void test_tags(void **state)
{
	struct snapshot_tags tags = { .holding = 3, .encoded = 70 };
	struct snapshot snapshot;
	char *text;

	assert_int_equal(read_text(HEAD "slot 40000000 1000000 1 0 :\nend 0\n", &snapshot), 0);
	assert_int_equal(tsr_pages_init(&tags.pages, 4096), 0);
	tsr_pages_set(&tags.pages, (struct tsr_page_run){ 7, 9 });
	tsr_pages_set(&tags.pages, (struct tsr_page_run){ 4095, 4096 });
	text = picture(&snapshot, false);
	assert_null(strstr(text, "tags in"));
	assert_null(strstr(text, " t "));
	free(text);
	snapshot.slots[0].tags = &tags;
	text = picture(&snapshot, false);
	assert_non_null(strstr(text, "  tags in 3 pages of 4096, 70 bytes encoded\n"));
	assert_non_null(strstr(text, "      40000000  ?tt?????"));
	assert_non_null(strstr(text, "???t\n"));
	assert_non_null(strstr(text, "40007000     40009000      8 KiB  tags\n"));
	assert_non_null(strstr(text, "40fff000     41000000      4 KiB  tags\n"));
	free(text);
	text = picture(&snapshot, true);
	assert_well_formed(text);
	assert_non_null(strstr(text, "tags in 3 pages"));
	assert_non_null(strstr(text, "fill=\"url(#tagged)\""));
	assert_non_null(strstr(text, ">has tags<"));
	free(text);
	tsr_pages_free(&tags.pages);
	snapshot_free(&snapshot);
}

/* The largest slots there can be, and pieces of them, are drawn in so many rows. */
static void test_large(void **state)
{
	static const char large[] =
		HEAD "slot 0 10000000000000 1 0 :\n"
		     "cell 1000 1000 0 7 0 3 1\ncell ffffffffff000 1000 0 7 0 3 1\n"
		     "slot fffffffffe000 2000 1 0 :\ncell ffffffffff000 1000 7 0 0 0 0\nend 3\n";
	struct snapshot snapshot;

	assert_int_equal(read_text(large, &snapshot), 0);
	for (int svg = 0; svg < 2; svg++) {
		char *text = picture(&snapshot, svg);

		assert_true(strlen(text) < 200000);
		free(text);
	}
	snapshot_free(&snapshot);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_failing_allocations),
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_any_text),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_sample),
		cmocka_unit_test(test_looks),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_svg),
		cmocka_unit_test(test_tags),
		cmocka_unit_test(test_large),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("vmm_picture", tests, NULL, NULL);
}
