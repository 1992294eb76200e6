/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Guest memory and the VMM's accesses to it: vmm/lib/{ram,access}.c. */
#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <setjmp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>
#include <cmocka.h>

#include "tessera/ram.h"

#define BASE UINT64_C(0x40000000)

static char path[] = "/tmp/vmm_ram.XXXXXX";

static int file_setup(void **state)
{
	int fd = mkstemp(path);

	if (fd < 0 || ftruncate(fd, 0x4000))
		return -1;
	return close(fd);
}

static int file_teardown(void **state)
{
	return unlink(path);
}

static struct tsr_ram_spec spec_make(uint64_t start, uint64_t size, enum tsr_ram_kind kind)
{
	struct tsr_ram_spec spec = { .gpa = { start, start + size }, .kind = kind };

	if (kind == TSR_RAM_FILE_PRIVATE || kind == TSR_RAM_FILE_SHARED)
		strcpy(spec.path, path);
	return spec;
}

/* Each kind of memory keeps what is written, and only a shared file shows it. */
static void test_kinds(void **state)
{
	static const enum tsr_ram_kind kinds[] = {
		TSR_RAM_ANON,
		TSR_RAM_MEMFD,
		TSR_RAM_FILE_PRIVATE,
		TSR_RAM_FILE_SHARED,
	};
	char text[6], in_file[6] = "";
	struct tsr_ram ram;

	for (size_t i = 0; i < 4; i++) {
		struct tsr_ram_spec spec = spec_make(BASE, 0x4000, kinds[i]);
		int fd = open(path, O_RDONLY);

		assert_int_equal(tsr_ram_create(&ram, &spec, 1, NULL), 0);
		assert_int_equal(tsr_ram_write(&ram, BASE + 0xffd, "hello", 6), 0);
		assert_int_equal(tsr_ram_read(&ram, BASE + 0xffd, text, 6), 0);
		assert_string_equal(text, "hello");
		assert_int_equal(pread(fd, in_file, 6, 0xffd), 6);
		assert_int_equal(!strcmp(in_file, "hello"), kinds[i] == TSR_RAM_FILE_SHARED);
		tsr_ram_destroy(&ram);
		close(fd);
	}
}

/* Large pages need host and guest addresses that agree modulo 2 MiB. */
static void test_congruence(void **state)
{
	struct tsr_ram_spec specs[] = {
		spec_make(BASE, 0x400000, TSR_RAM_ANON),
		spec_make(0x80123000, 0x1000, TSR_RAM_MEMFD),
		spec_make(0x90001000, 0x400000, TSR_RAM_ANON),
	};
	struct tsr_ram ram;

	assert_int_equal(tsr_ram_create(&ram, specs, 3, NULL), 0);
	for (size_t i = 0; i < 3; i++) {
		const struct tsr_ram_region *region = &ram.regions[i];

		assert_int_equal(((uintptr_t)region->host ^ region->gpa.start) % TSR_BLOCK_SIZE, 0);
		assert_int_equal((region->offset ^ region->gpa.start) % TSR_BLOCK_SIZE, 0);
		for (size_t j = 0; j < i; j++)
			assert_true(ram.regions[j].offset + tsr_range_size(specs[j].gpa) <=
				    region->offset);
	}
	assert_ptr_equal(tsr_ram_find(&ram, 0x80123fff), &ram.regions[1]);
	assert_null(tsr_ram_find(&ram, 0x80124000));
	assert_null(tsr_ram_find(&ram, BASE - 1));
	tsr_ram_destroy(&ram);
}

static void test_borders(void **state)
{
	struct tsr_ram_spec specs[] = {
		spec_make(BASE, 0x1000, TSR_RAM_ANON),
		spec_make(BASE + 0x1000, 0x1000, TSR_RAM_MEMFD),
	};
	unsigned char bytes[16] = "0123456789abcde", back[16];
	struct tsr_ram ram;

	assert_int_equal(tsr_ram_create(&ram, specs, 2, NULL), 0);
	assert_int_equal(tsr_ram_write(&ram, BASE + 0xff8, bytes, 16), 0);
	assert_int_equal(tsr_ram_read(&ram, BASE + 0xff8, back, 16), 0);
	assert_memory_equal(bytes, back, 16);
	assert_int_equal(tsr_ram_write(&ram, BASE + 0x1ff8, bytes, 16), -EFAULT);
	assert_int_equal(tsr_ram_read(&ram, BASE - 8, back, 16), -EFAULT);
	assert_int_equal(tsr_ram_read(&ram, UINT64_MAX - 3, back, 16), -EFAULT);
	assert_int_equal(tsr_ram_read(&ram, BASE, NULL, 0), 0);
	tsr_ram_destroy(&ram);
}

/* Words of each size, aligned and not, in memory that is accessed directly. */
static void test_words(void **state)
{
	struct tsr_ram_spec spec = spec_make(BASE, 0x1000, TSR_RAM_ANON);
	uint64_t value = 0x8182838485868788, back;
	struct tsr_ram ram;

	assert_int_equal(tsr_ram_create(&ram, &spec, 1, NULL), 0);
	for (size_t size = 1; size <= 8; size++) {
		for (uint64_t at = BASE + 64; at < BASE + 72; at++) {
			back = 0;
			memset(ram.regions[0].host, 0, 0x1000);
			assert_int_equal(tsr_ram_write(&ram, at, &value, size), 0);
			assert_int_equal(tsr_ram_read(&ram, at, &back, size), 0);
			assert_memory_equal(&back, &value, size);
			assert_int_equal(ram.regions[0].host[at - BASE + size], 0);
		}
	}
	tsr_ram_destroy(&ram);
}

/* A file that shrinks under the VMM is an error, not a signal. */
static void test_truncated(void **state)
{
	static const enum tsr_ram_kind kinds[] = { TSR_RAM_FILE_PRIVATE, TSR_RAM_FILE_SHARED };
	struct tsr_ram ram;
	uint64_t word = 1;

	for (size_t i = 0; i < 2; i++) {
		struct tsr_ram_spec spec = spec_make(BASE, 0x4000, kinds[i]);

		assert_int_equal(tsr_ram_create(&ram, &spec, 1, NULL), 0);
		assert_int_equal(tsr_ram_write(&ram, BASE + 0x3000, &word, 8), 0);
		assert_int_equal(truncate(path, 0x1000), 0);
		assert_int_equal(tsr_ram_read(&ram, BASE + 0x3000, &word, 8), -EFAULT);
		assert_int_equal(tsr_ram_write(&ram, BASE + 0x2000, &word, 8), -EFAULT);
		assert_int_equal(tsr_ram_read(&ram, BASE, &word, 8), 0);
		tsr_ram_destroy(&ram);
		assert_int_equal(truncate(path, 0x4000), 0);
	}
}

static void test_refused(void **state)
{
	struct tsr_ram_spec spec = spec_make(BASE, 0x5000, TSR_RAM_FILE_PRIVATE);
	struct tsr_why why;
	struct tsr_ram ram;

	assert_int_equal(tsr_ram_create(&ram, &spec, 1, &why), -EINVAL);
	assert_non_null(strstr(why.text, "truncate -s 20480"));
	strcpy(spec.path, "/dev/null");
	assert_int_equal(tsr_ram_create(&ram, &spec, 1, &why), -EINVAL);
	strcpy(spec.path, "/nowhere");
	assert_int_equal(tsr_ram_create(&ram, &spec, 1, &why), -ENOENT);
	spec = spec_make(BASE, UINT64_C(1) << 62, TSR_RAM_ANON);
	assert_int_equal(tsr_ram_create(&ram, &spec, 1, &why), -ENOMEM);
}

static int next_descriptor(void)
{
	int fd = dup(0);

	close(fd);
	return fd;
}

/* The Nth descriptor cannot be had: all that was made before it is given back. */
static void test_descriptors_run_out(void **state)
{
	struct tsr_ram_spec specs[] = {
		spec_make(BASE, 0x1000, TSR_RAM_MEMFD),
		spec_make(BASE + 0x1000, 0x1000, TSR_RAM_ANON),
		spec_make(BASE + 0x2000, 0x1000, TSR_RAM_FILE_PRIVATE),
	};
	struct rlimit limit, small;
	int next = next_descriptor();
	struct tsr_ram ram;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	for (int spare = 0; spare <= 3; spare++) {
		struct tsr_why why = { "" };
		int error;

		small = (struct rlimit){ (rlim_t)(next + spare), limit.rlim_max };
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &small), 0);
		error = tsr_ram_create(&ram, specs, 3, &why);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
		assert_int_equal(error, spare < 3 ? -EMFILE : 0);
		assert_true(!error || strlen(why.text) > 20);
		if (!error)
			tsr_ram_destroy(&ram);
		assert_int_equal(next_descriptor(), next);
	}
}

/* Promoted pages of a file go back to it, at their own offsets, and no others. */
static void test_flush(void **state)
{
	struct tsr_ram_spec spec = spec_make(BASE, 0x4000, TSR_RAM_FILE_SHARED);
	struct tsr_ram_region *region;
	struct tsr_ram ram;
	int fd = open(path, O_RDONLY);
	char byte;

	assert_int_equal(tsr_ram_create(&ram, &spec, 1, NULL), 0);
	region = &ram.regions[0];
	assert_ptr_equal(mmap(region->host, 0x4000, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
			      ram.staging, (off_t)region->offset),
			 region->host);
	memset(region->host, 'x', 0x4000);
	tsr_pages_set(&region->promoted, (struct tsr_page_run){ 1, 2 });
	tsr_pages_set(&region->promoted, (struct tsr_page_run){ 3, 4 });
	assert_int_equal(tsr_ram_flush(&ram, NULL), 0);
	for (off_t page = 0; page < 4; page++) {
		assert_int_equal(pread(fd, &byte, 1, page * 0x1000 + 0xabc), 1);
		assert_int_equal(byte == 'x', page % 2);
	}
	tsr_ram_destroy(&ram);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),	  cmocka_unit_test(test_congruence),
		cmocka_unit_test(test_borders),	  cmocka_unit_test(test_words),
		cmocka_unit_test(test_truncated), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_flush),	  cmocka_unit_test(test_descriptors_run_out),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("vmm_ram", tests, file_setup, file_teardown);
}
