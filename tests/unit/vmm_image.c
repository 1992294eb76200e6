/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Guest images, hostile ones first: vmm/lib/image.c. */
#include <elf.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include "tessera/image.h"

#define FLAT UINT64_C(0x40080000)

struct elf {
	Elf64_Ehdr header;
	Elf64_Phdr segments[2];
	unsigned char text[64];
};

static struct elf good_elf(void)
{
	struct elf elf = {
		.header =
			{
				.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64,
					    ELFDATA2LSB},
				.e_type = ET_EXEC,
				.e_machine = EM_AARCH64,
				.e_entry = 0xffff000000000010,
				.e_phoff = offsetof(struct elf, segments),
				.e_phentsize = sizeof(Elf64_Phdr),
				.e_phnum = 2,
			},
		.segments =
			{
				{.p_type = PT_NOTE, .p_offset = UINT64_MAX, .p_filesz = 1},
				{.p_type = PT_LOAD,
				 .p_offset = offsetof(struct elf, text),
				 .p_vaddr = 0xffff000000000000,
				 .p_paddr = 0x40001000,
				 .p_filesz = 64,
				 .p_memsz = 5000},
			},
	};

	memset(elf.text, 0xa5, sizeof(elf.text));
	return elf;
}

static int parse(const void *data, size_t size, struct tsr_image *image)
{
	/* A copy of the exact size, so that a read beyond it is seen. */
	void *copy = malloc(size);
	struct tsr_why why = { "" };
	int error;

	memcpy(copy, data, size);
	error = tsr_image_parse(copy, size, FLAT, image, &why);
	assert_true(!error || strlen(why.text) > 20);
	free(copy);
	return error;
}

static void test_flat(void **state)
{
	struct tsr_image image;

	assert_int_equal(parse("\x7f", 1, &image), 0);
	assert_int_equal(image.entry, FLAT);
	assert_int_equal(image.count, 1);
	assert_int_equal(image.pieces[0].gpa, FLAT);
	assert_int_equal(image.pieces[0].size, 1);
	assert_int_equal(tsr_image_parse("", 0, FLAT, &image, NULL), -ENOEXEC);
}

static void test_elf(void **state)
{
	struct elf elf = good_elf();
	struct tsr_image image;

	assert_int_equal(parse(&elf, sizeof(elf), &image), 0);
	assert_int_equal(image.count, 1);
	assert_int_equal(image.pieces[0].gpa, 0x40001000);
	assert_int_equal(image.pieces[0].file_size, 64);
	assert_int_equal(image.pieces[0].size, 5000);
	assert_int_equal(image.entry, 0x40001010);
}

/* Each case spoils one field of a good file. */
static void test_bad_elf(void **state)
{
	static const struct {
		size_t offset, size;
		uint64_t value;
	} cases[] = {
#define SPOIL(field, number) \
	{ offsetof(struct elf, field), sizeof(((struct elf *)0)->field), number }
		SPOIL(header.e_ident[EI_CLASS], ELFCLASS32),
		SPOIL(header.e_ident[EI_DATA], ELFDATA2MSB),
		SPOIL(header.e_machine, EM_X86_64),
		SPOIL(header.e_type, ET_REL),
		SPOIL(header.e_type, ET_CORE),
		SPOIL(header.e_phentsize, 0),
		SPOIL(header.e_phentsize, sizeof(Elf64_Phdr) + 8),
		SPOIL(header.e_phoff, UINT64_MAX),
		SPOIL(header.e_phoff, sizeof(struct elf)),
		SPOIL(header.e_phnum, 0),
		SPOIL(header.e_phnum, 1),
		SPOIL(header.e_phnum, UINT16_MAX),
		SPOIL(segments[1].p_offset, UINT64_MAX),
		SPOIL(segments[1].p_offset, UINT64_MAX - 63),
		SPOIL(segments[1].p_offset, offsetof(struct elf, text) + 1),
		SPOIL(segments[1].p_filesz, 65),
		SPOIL(segments[1].p_filesz, UINT64_MAX),
		SPOIL(segments[1].p_memsz, 63),
		SPOIL(segments[1].p_memsz, 0),
		SPOIL(segments[1].p_memsz, UINT64_MAX),
		SPOIL(segments[1].p_paddr, UINT64_MAX - 4998),
		SPOIL(segments[1].p_type, PT_NULL),
#undef SPOIL
	};
	struct tsr_image image;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct elf elf = good_elf();

		memcpy((unsigned char *)&elf + cases[i].offset, &cases[i].value, cases[i].size);
		if (parse(&elf, sizeof(elf), &image) != -ENOEXEC)
			fail_msg("case %zu was taken", i);
	}
}

static void test_cut_off(void **state)
{
	struct elf elf = good_elf();
	struct tsr_image image;

	/* Less than the magic is a flat image, all else must be refused. */
	for (size_t size = SELFMAG; size < sizeof(elf); size++)
		assert_int_equal(parse(&elf, size, &image), -ENOEXEC);
}

static void test_too_many(void **state)
{
	struct {
		Elf64_Ehdr header;
		Elf64_Phdr segments[TSR_IMAGE_PIECES_MAX + 1];
	} file = { .header = good_elf().header };
	struct tsr_image image;

	file.header.e_phnum = TSR_IMAGE_PIECES_MAX + 1;
	for (size_t i = 0; i <= TSR_IMAGE_PIECES_MAX; i++)
		file.segments[i] = (Elf64_Phdr){ .p_type = PT_LOAD, .p_memsz = 1 };
	assert_int_equal(parse(&file, sizeof(file), &image), -ENOEXEC);
	file.header.e_phnum--;
	assert_int_equal(parse(&file, sizeof(file), &image), 0);
	assert_int_equal(image.count, TSR_IMAGE_PIECES_MAX);
}

/* Random changes of a good file: whatever it is taken for, the invariant holds. */
static void test_random(void **state)
{
	struct tsr_image image;

	srand(1);
	for (int round = 0; round < 20000; round++) {
		struct elf elf = good_elf();

		for (int changes = rand() % 4; changes >= 0; changes--)
			((unsigned char *)&elf)[(size_t)rand() % offsetof(struct elf, text)] =
				(unsigned char)rand();
		if (parse(&elf, sizeof(elf), &image))
			continue;
		for (size_t i = 0; i < image.count; i++) {
			assert_true(image.pieces[i].file_size <= sizeof(elf));
			assert_true(image.pieces[i].offset <=
				    sizeof(elf) - image.pieces[i].file_size);
			assert_true(image.pieces[i].file_size <= image.pieces[i].size);
		}
	}
}

static void test_load(void **state)
{
	struct tsr_ram_spec spec = { .gpa = { 0x40000000, 0x40003000 }, .kind = TSR_RAM_ANON };
	struct elf elf = good_elf();
	unsigned char bytes[66];
	struct tsr_image image;
	struct tsr_ram ram;

	assert_int_equal(tsr_ram_create(&ram, &spec, 1, NULL), 0);
	assert_int_equal(parse(&elf, sizeof(elf), &image), 0);
	memset(ram.regions[0].host, 0xff, 0x3000);
	assert_int_equal(tsr_image_load(&image, &elf, &ram, NULL), 0);
	assert_int_equal(tsr_ram_read(&ram, 0x40000fff, bytes, 66), 0);
	assert_int_equal(bytes[0], 0xff);
	assert_memory_equal(bytes + 1, elf.text, 64);
	assert_int_equal(bytes[65], 0);
	assert_int_equal(ram.regions[0].host[0x1000 + 4999], 0);
	assert_int_equal(ram.regions[0].host[0x1000 + 5000], 0xff);
	image.pieces[0].gpa = 0x40002000;
	assert_int_equal(tsr_image_load(&image, &elf, &ram, NULL), -EFAULT);
	image.pieces[0].gpa = UINT64_MAX - 5000;
	assert_int_equal(tsr_image_load(&image, &elf, &ram, NULL), -EFAULT);
	tsr_ram_destroy(&ram);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flat),	 cmocka_unit_test(test_elf),
		cmocka_unit_test(test_bad_elf),	 cmocka_unit_test(test_cut_off),
		cmocka_unit_test(test_too_many), cmocka_unit_test(test_random),
		cmocka_unit_test(test_load),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("vmm_image", tests, NULL, NULL);
}
