/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A machine that is asked, from both ends: vmm/cmd/service.h, client.h and tags.h, with vCPUs
 * that are threads which only count, and a hypervisor that keeps tags in an array.
 */
#include <pthread.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <setjmp.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "machine.h"
#include "tags.h"
#include "tessera/tags.h"

#define VCPUS	    2
#define FIRST	    UINT64_C(0x40000000)
#define SECOND	    UINT64_C(0x80000000)
#define FIRST_PAGES 5200U /* more than one question is about */
#define PAGES	    (FIRST_PAGES + 70U)

static struct run_options options = { .vcpus = VCPUS };
static struct machine machine;
static char path[] = "/tmp/vmm_service.XXXXXX", dump[64];

static unsigned char tags[PAGES][TSR_TAGS_PAGE_BYTES];
static uint64_t bad_page; /* whose tags cannot be written */
static bool served;
static struct tsr_page_run hidden; /* pages of all that are private */
static bool stray;		   /* more bits are set than pages were asked for */
static _Atomic uint64_t steps;
static _Atomic bool over;
static pthread_t vcpu_threads[VCPUS], main_thread;

/* --- what stands for the hypervisor --- */

bool tsr_tags_have_batch(const struct tsr_vm *vm)
{
	return served;
}

bool tsr_region_can_tag(const struct tsr_ram_region *region)
{
	return true;
}

void tsr_vcpu_kick(struct tsr_vcpu *vcpu)
{
}

int tsr_survey(struct tsr_vm *vm, const struct tsr_ram_region *region, struct tsr_lazy *lazy,
	       tsr_cell_fn cell, void *opaque)
{
	struct tsr_cell private = { .gpa = region->gpa, .flags = TSR_CELL_PRIVATE };

	return hidden.first < hidden.last ? cell(opaque, &private) : 0;
}

static uint64_t number_of(uint64_t gpa)
{
	return gpa < SECOND ? (gpa - FIRST) / TSR_PAGE_SIZE
			    : FIRST_PAGES + (gpa - SECOND) / TSR_PAGE_SIZE;
}

static bool has_tags(uint64_t page)
{
	static const unsigned char none[TSR_TAGS_PAGE_BYTES];

	return memcmp(tags[page], none, sizeof(none)) != 0;
}

/* In words of 64 pages, as many as there is room for. */
int tsr_tags_read(struct tsr_vm *vm, uint64_t gpa, uint64_t pages, uint64_t *bitmap, void *out,
		  size_t size, struct tsr_tags_done *done)
{
	uint64_t first = number_of(gpa);

	*done = (struct tsr_tags_done){ 0, 0 };
	if (!served)
		return -ENOTTY;
	assert_true(first + pages <= hidden.first || first >= hidden.last);
	for (; done->pages < pages;
	     done->pages += pages - done->pages < 64 ? pages - done->pages : 64) {
		size_t used = done->bytes;
		uint64_t word = 0;

		for (uint64_t i = 0; i < 64 && done->pages + i < pages; i++) {
			uint64_t page = first + done->pages + i;

			if (!has_tags(page))
				continue;
			if (used == size)
				return 0;
			memcpy((unsigned char *)out + used, tags[page], TSR_TAGS_PAGE_BYTES);
			used += TSR_TAGS_PAGE_BYTES;
			word |= UINT64_C(1) << i;
		}
		if (stray && pages - done->pages < 64)
			word |= UINT64_C(1) << 63;
		bitmap[done->pages / 64] = word;
		done->bytes = used;
	}
	return 0;
}

int tsr_tags_write(struct tsr_vm *vm, uint64_t gpa, uint64_t pages, const uint64_t *bitmap,
		   const void *in, size_t size, struct tsr_tags_done *done)
{
	*done = (struct tsr_tags_done){ 0, 0 };
	for (; done->pages < pages; done->pages++) {
		uint64_t page = number_of(gpa) + done->pages;

		if (page == bad_page)
			return -EFAULT;
		memset(tags[page], 0, sizeof(tags[page]));
		if (!(bitmap[done->pages / 64] >> done->pages % 64 & 1))
			continue;
		assert_true(done->bytes < size);
		memcpy(tags[page], (const unsigned char *)in + done->bytes, TSR_TAGS_PAGE_BYTES);
		done->bytes += TSR_TAGS_PAGE_BYTES;
	}
	return 0;
}

/* --- the machine --- */

static void *vcpu_run(void *unused)
{
	while (!over) {
		pause_rest(&machine.pause);
		steps++;
	}
	return NULL;
}

static void *main_run(void *unused)
{
	struct pollfd polled[SERVICE_POLLED];

	while (!over) {
		service_poll(&machine.service, polled);
		if (poll(polled, SERVICE_POLLED, 10) > 0)
			service_serve(&machine, polled);
	}
	return NULL;
}

static int setup(void **state)
{
	const struct tsr_ram_spec specs[] = {
		{ .gpa = { SECOND, SECOND + 70 * TSR_PAGE_SIZE }, .kind = TSR_RAM_ANON },
		{ .gpa = { FIRST, FIRST + FIRST_PAGES * TSR_PAGE_SIZE }, .kind = TSR_RAM_MEMFD },
	};
	static struct tsr_host host = { .tsr_version = 1 };
	struct tsr_why why;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	close(fd);
	unlink(path);
	snprintf(dump, sizeof(dump), "%s.dump", path);
	machine.options = &options;
	machine.vm = (struct tsr_vm){ .host = &host, .fd = -1, .mte = true };
	machine.vcpus = calloc(VCPUS, sizeof(machine.vcpus[0]));
	assert_int_equal(tsr_ram_create(&machine.ram, specs, 2, &why), 0);
	pause_init(&machine.pause);
	assert_int_equal(service_open(&machine.service, path, &why), 0);
	for (size_t i = 0; i < VCPUS; i++)
		pthread_create(&vcpu_threads[i], NULL, vcpu_run, NULL);
	pthread_create(&main_thread, NULL, main_run, NULL);
	return 0;
}

static int teardown(void **state)
{
	over = true;
	pause_end(&machine.pause, true);
	pthread_join(main_thread, NULL);
	for (size_t i = 0; i < VCPUS; i++)
		pthread_join(vcpu_threads[i], NULL);
	service_close(&machine.service);
	pause_destroy(&machine.pause);
	tsr_ram_destroy(&machine.ram);
	free(machine.vcpus);
	unlink(dump);
	assert_true(access(path, F_OK));
	return 0;
}

static int fresh(void **state)
{
	served = true;
	stray = false;
	hidden = (struct tsr_page_run){ 0, 0 };
	bad_page = UINT64_MAX;
	memset(tags, 0, sizeof(tags));
	return 0;
}

static bool goes_on(void)
{
	uint64_t before = steps;

	for (int i = 0; i < 2000 && steps < before + 100; i++)
		usleep(1000);
	return steps >= before + 100;
}

/* Pages with tags: a few, and more in a row than an answer has room for. */
static void fill(unsigned int seed)
{
	srand(seed);
	memset(tags, 0, sizeof(tags));
	for (unsigned int page = 0; page < PAGES; page++)
		if (page % 97 == seed % 97 || (page > 1000 && page < 1700) || page + 1 == PAGES)
			for (unsigned int i = 0; i < TSR_TAGS_PAGE_BYTES; i++)
				tags[page][i] = (unsigned char)(page % 3 ? rand() : 0x77);
}

static struct client client;

static void open_client(struct client *one)
{
	struct tsr_why why;

	assert_int_equal(client_open(one, path, &why), 0);
}

/* --- tests --- */

static void test_dump_and_restore(void **state)
{
	static unsigned char before[PAGES][TSR_TAGS_PAGE_BYTES];

	fill(1);
	memcpy(before, tags, sizeof(tags));
	open_client(&client);
	assert_int_equal(tags_dump(&client, dump, false), STATUS_PASSED);
	assert_memory_equal(tags, before, sizeof(tags));
	client_close(&client);
	assert_true(goes_on());
	assert_int_equal(tags_check(dump, false), STATUS_PASSED);
	fill(2);
	open_client(&client);
	assert_int_equal(tags_restore(&client, dump, false), STATUS_PASSED);
	client_close(&client);
	assert_memory_equal(tags, before, sizeof(tags));
	assert_true(goes_on());
	/* Of no tags at all. */
	fresh(state);
	open_client(&client);
	assert_int_equal(tags_dump(&client, dump, false), STATUS_PASSED);
	fill(3);
	assert_int_equal(tags_restore(&client, dump, false), STATUS_PASSED);
	client_close(&client);
	for (unsigned int page = 0; page < PAGES; page++)
		assert_false(has_tags(page));
}

static void test_failed_restore(void **state)
{
	fill(1);
	open_client(&client);
	assert_int_equal(tags_dump(&client, dump, false), STATUS_PASSED);
	bad_page = 4500;
	assert_int_equal(tags_restore(&client, dump, false), STATUS_TAGS);
	client_close(&client);
	assert_true(goes_on());
}

static void test_other_memory(void **state)
{
	static const struct tags_layout others[] = {
		{ { { FIRST, FIRST + FIRST_PAGES * TSR_PAGE_SIZE } }, 1 },
		{ { { FIRST, FIRST + FIRST_PAGES * TSR_PAGE_SIZE },
		    { SECOND, SECOND + 71 * TSR_PAGE_SIZE } },
		  2 },
	};

	for (size_t i = 0; i < 2; i++) {
		FILE *file = fopen(dump, "w");
		struct tags_file written;

		assert_int_equal(tags_file_begin(&written, file, &others[i]), 0);
		assert_int_equal(tags_file_end(&written), 0);
		fclose(file);
		fill(1);
		open_client(&client);
		assert_int_equal(tags_restore(&client, dump, false), STATUS_TAGS);
		client_close(&client);
		assert_true(has_tags(1));
	}
}

static void test_not_served(void **state)
{
	struct stat stat_of_dump;

	served = false;
	unlink(dump);
	open_client(&client);
	assert_int_equal(tags_dump(&client, dump, false), STATUS_TAGS);
	client_close(&client);
	assert_true(stat(dump, &stat_of_dump));
}

/* An answer of which a word has more bits than pages is none. */
/* Of private pages no tag is asked for; the others' are all told. All tags are not to be had. */
static void test_private(void **state)
{
	struct tsr_ram_region *region = tsr_ram_find(&machine.ram, FIRST);
	uint64_t found = 0, wanted = 0;
	struct tsr_why why;

	fill(1);
	hidden = (struct tsr_page_run){ 1010, 1100 };
	region->guest_memfd = STDERR_FILENO;
	tsr_pages_set(&region->private_pages, hidden);
	open_client(&client);
	for (uint64_t page = 0; page < FIRST_PAGES; page += client.answer.pages_done) {
		assert_int_equal(client_tags(&client, FIRST + page * TSR_PAGE_SIZE,
					     FIRST_PAGES - page, &why),
				 0);
		assert_true(client.answer.pages_done > 0);
		found += client.answer.bytes / TSR_TAGS_PAGE_BYTES;
		for (uint64_t i = 0; i < client.answer.pages_done; i++)
			assert_int_equal(client.answer.bitmap[i / 64] >> i % 64 & 1,
					 has_tags(page + i) && (page + i < hidden.first ||
								page + i >= hidden.last));
	}
	for (uint64_t page = 0; page < FIRST_PAGES; page++)
		wanted += has_tags(page) && (page < hidden.first || page >= hidden.last);
	assert_int_equal(found, wanted);
	assert_int_equal(tags_dump(&client, dump, false), STATUS_TAGS);
	client_close(&client);
	assert_true(goes_on());

	tsr_pages_clear(&region->private_pages, hidden);
	fresh(state);
	fill(2);
	open_client(&client);
	assert_int_equal(tags_dump(&client, dump, false), STATUS_PASSED);
	hidden = (struct tsr_page_run){ 0, 1 };
	assert_int_equal(tags_restore(&client, dump, false), STATUS_TAGS);
	client_close(&client);
	assert_true(has_tags(2));
	region->guest_memfd = -1;
}

static void test_stray_bits(void **state)
{
	fill(1);
	stray = true;
	open_client(&client);
	assert_int_equal(tags_dump(&client, dump, false), STATUS_NO_ANSWER);
	client_close(&client);
}

static void test_tags_set_needs_rest(void **state)
{
	struct client holder = { .where = NULL };
	struct tsr_why why;

	open_client(&client);
	client.ask.gpa = FIRST;
	client.ask.pages = 64;
	client.ask.bytes = 0;
	memset(client.ask.bitmap, 0, sizeof(client.ask.bitmap));
	assert_int_equal(client_tags_set(&client, &why), -EBUSY);
	/* That another holds is not enough. */
	open_client(&holder);
	assert_int_equal(client_rest(&holder, ASK_HOLD, &why), 0);
	assert_int_equal(client_tags_set(&client, &why), -EBUSY);
	client_close(&holder);
	assert_int_equal(client_rest(&client, ASK_HOLD, &why), 0);
	assert_int_equal(client_tags_set(&client, &why), 0);
	client_close(&client);
	assert_true(goes_on());
}

static void test_holders(void **state)
{
	struct tsr_why why;
	uint64_t before;

	open_client(&client);
	assert_int_equal(client_rest(&client, ASK_PAUSE, &why), 0);
	assert_int_equal(client_rest(&client, ASK_PAUSE, &why), 0);
	client_close(&client);
	before = steps;
	open_client(&client);
	assert_int_equal(client_rest(&client, ASK_HOLD, &why), 0);
	/* Who resumes ends the pause, and not what another holds. */
	assert_int_equal(client_ask(&client, ASK_RESUME, &why), 0);
	usleep(2000);
	assert_int_equal(client_ask(&client, ASK_STATE, &why), 0);
	assert_int_equal(client.answer.resting, VCPUS);
	assert_int_equal(client.answer.paused, 1);
	assert_int_equal(steps, before);
	client_close(&client);
	assert_true(goes_on());
}

/* As many as there are channels are served; one more is, once another has gone. */
static void test_many(void **state)
{
	static struct client many[SERVICE_CHANNELS + 1];
	struct tsr_why why;

	for (size_t i = 0; i < SERVICE_CHANNELS; i++) {
		open_client(&many[i]);
		assert_int_equal(client_ask(&many[i], ASK_STATE, &why), 0);
		assert_int_equal(many[i].answer.vcpus, VCPUS);
	}
	open_client(&many[SERVICE_CHANNELS]);
	client_close(&many[3]);
	assert_int_equal(client_ask(&many[SERVICE_CHANNELS], ASK_STATE, &why), 0);
	for (size_t i = 0; i <= SERVICE_CHANNELS; i++)
		if (i != 3)
			client_close(&many[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_dump_and_restore, fresh),
		cmocka_unit_test_setup(test_failed_restore, fresh),
		cmocka_unit_test_setup(test_other_memory, fresh),
		cmocka_unit_test_setup(test_not_served, fresh),
		cmocka_unit_test_setup(test_private, fresh),
		cmocka_unit_test_setup(test_stray_bits, fresh),
		cmocka_unit_test_setup(test_tags_set_needs_rest, fresh),
		cmocka_unit_test_setup(test_holders, fresh),
		cmocka_unit_test_setup(test_many, fresh),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("vmm_service", tests, setup, teardown);
}
