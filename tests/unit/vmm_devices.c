/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The console and the control page of `tessera run`: vmm/cmd/{pl011,control}.c. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "control.h"
#include "pl011.h"

#define FR (PL011_GPA + 0x18)

static uint64_t uart_load(struct pl011 *uart, uint64_t gpa)
{
	struct tsr_mmio mmio = { .gpa = gpa, .size = 4, .value = UINT64_MAX };

	pl011_access(uart, &mmio);
	return mmio.value;
}

static void uart_store(struct pl011 *uart, uint64_t gpa, uint64_t value)
{
	struct tsr_mmio mmio = { .gpa = gpa, .size = 4, .write = true, .value = value };

	pl011_access(uart, &mmio);
}

/* Output comes a line at a time, or when flushed, or when the line is full. */
static void test_uart_output(void **state)
{
	struct pl011 uart;
	char text[600];
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	pl011_init(&uart, ends[1], -1);
	uart_store(&uart, PL011_GPA, 'a');
	uart_store(&uart, PL011_GPA + 8, 'x');
	assert_int_equal(uart_load(&uart, FR), 1 << 7 | 1 << 4);
	uart_store(&uart, PL011_GPA, '\n');
	assert_int_equal(read(ends[0], text, sizeof(text)), 2);
	assert_memory_equal(text, "a\n", 2);
	uart_store(&uart, PL011_GPA, 'b');
	pl011_flush(&uart);
	assert_int_equal(read(ends[0], text, sizeof(text)), 1);
	for (size_t i = 0; i < sizeof(uart.line); i++)
		uart_store(&uart, PL011_GPA, 'c');
	assert_int_equal(read(ends[0], text, sizeof(text)), sizeof(uart.line));
	assert_int_equal(uart_load(&uart, PL011_GPA), 0);
	assert_int_equal(uart_load(&uart, PL011_GPA + 0xfe0), 0);
	close(ends[0]);
	close(ends[1]);
}

static void test_uart_input(void **state)
{
	struct pl011 uart;
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	pl011_init(&uart, STDERR_FILENO, ends[0]);
	assert_int_equal(uart_load(&uart, FR) & 1 << 4, 1 << 4);
	assert_int_equal(write(ends[1], "hi", 2), 2);
	assert_int_equal(uart_load(&uart, FR) & 1 << 4, 0);
	assert_int_equal(uart_load(&uart, PL011_GPA), 'h');
	assert_int_equal(uart_load(&uart, PL011_GPA), 'i');
	assert_int_equal(uart_load(&uart, PL011_GPA), 0);
	close(ends[1]);
	assert_int_equal(uart_load(&uart, FR) & 1 << 4, 1 << 4);
	assert_int_equal(uart_load(&uart, FR) & 1 << 4, 1 << 4);
	close(ends[0]);
}

static struct tsr_ram ram = {
	.count = 2,
	.regions =
		{
			{.gpa = {0x40000000, 0x40002000}, .kind = TSR_RAM_ANON},
			{.gpa = {0x80000000, 0x80001000}, .kind = TSR_RAM_FILE_SHARED},
		},
};

static const struct tally tally = {
	.tag_exits = 0x0102030405060708,
	.fault_exits = 3,
	.hole_exits = 4,
	.promotions = 5,
};

static struct control control_make(void)
{
	return (struct control){
		.ram = &ram,
		.tally = &tally,
		.flags = 3,
		.vcpus = 7,
		.unit = 4096,
	};
}

static uint64_t control_load(struct control *control, uint64_t offset, unsigned int size)
{
	struct tsr_mmio mmio = { .gpa = CONTROL_GPA + offset, .size = size, .value = UINT64_MAX };

	assert_int_equal(control_access(control, &mmio), CONTROL_DONE);
	return size == 8 ? mmio.value : mmio.value & ((UINT64_C(1) << (8 * size)) - 1);
}

static enum control_event control_store(struct control *control, uint64_t offset, unsigned int size,
					uint64_t value)
{
	struct tsr_mmio mmio = {
		.gpa = CONTROL_GPA + offset,
		.size = size,
		.write = true,
		.value = value,
	};

	return control_access(control, &mmio);
}

static void test_control_registers(void **state)
{
	struct control control = control_make();

	assert_int_equal(control_load(&control, CONTROL_TAG_EXITS, 8), 0x0102030405060708);
	assert_int_equal(control_load(&control, CONTROL_TAG_EXITS, 4), 0x05060708);
	assert_int_equal(control_load(&control, CONTROL_TAG_EXITS + 4, 4), 0x01020304);
	assert_int_equal(control_load(&control, CONTROL_TAG_EXITS + 7, 1), 0x01);
	assert_int_equal(control_load(&control, CONTROL_PROMOTIONS, 8), 5);
	assert_int_equal(control_load(&control, CONTROL_FAULT_EXITS, 8), 3);
	assert_int_equal(control_load(&control, CONTROL_HOLE_EXITS, 8), 4);
	assert_int_equal(control_load(&control, CONTROL_FLAGS, 8), 3);
	assert_int_equal(control_load(&control, CONTROL_VCPUS, 8), 7);
	assert_int_equal(control_load(&control, CONTROL_UNIT, 8), 4096);
	assert_true(control_load(&control, CONTROL_CLOCK, 8) > 0);
	assert_int_equal(control_load(&control, CONTROL_EXIT, 8), 0);
	assert_int_equal(control_load(&control, 0xff8, 8), 0);
}

static void test_control_regions(void **state)
{
	static const struct {
		uint64_t chosen, size, base, kind;
	} cases[] = {
		{ 0, 0x2000, 0x40000000, 1 },
		{ 1, 0x1000, 0x80000000, 4 },
		{ 2, 0, 0, 0 },
		{ UINT64_MAX, 0, 0, 0 },
	};
	struct control control = control_make();

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		control_store(&control, CONTROL_RAM, 8, cases[i].chosen);
		assert_int_equal(control_load(&control, CONTROL_RAM, 8), cases[i].size);
		assert_int_equal(control_load(&control, CONTROL_RAM_BASE, 8), cases[i].base);
		assert_int_equal(control_load(&control, CONTROL_RAM_KIND, 8), cases[i].kind);
	}
}

static void test_control_stores(void **state)
{
	struct control control = control_make();

	assert_int_equal(control_store(&control, CONTROL_EXIT, 8, 0), CONTROL_EXITED);
	assert_int_equal(control_store(&control, CONTROL_MARK, 8, 1), CONTROL_MARKED);
	assert_int_equal(control_store(&control, CONTROL_EXIT, 4, 0), CONTROL_DONE);
	assert_int_equal(control_store(&control, CONTROL_FLAGS, 8, 0), CONTROL_DONE);
	assert_int_equal(control_load(&control, CONTROL_FLAGS, 8), 3);
}

/* The VMM reads what the guest names, if that is memory. */
static void test_control_look(void **state)
{
	struct tsr_ram_spec spec = { .gpa = { 0x40000000, 0x40001000 }, .kind = TSR_RAM_ANON };
	const uint64_t word = 0x1122334455667788;
	struct control control;
	struct tsr_ram ram;

	assert_int_equal(tsr_ram_create(&ram, &spec, 1, NULL), 0);
	assert_int_equal(tsr_ram_write(&ram, 0x40000100, &word, 8), 0);
	memset(&control, 0, sizeof(control));
	control.ram = &ram;
	control_store(&control, CONTROL_LOOK, 8, 0x40000100);
	assert_int_equal(control_load(&control, CONTROL_LOOK, 8), word);
	assert_int_equal(control_load(&control, CONTROL_LOOK_ERROR, 8), 0);
	control_store(&control, CONTROL_LOOK, 8, 0x40001000);
	assert_int_equal(control_load(&control, CONTROL_LOOK, 8), 0);
	assert_int_equal(control_load(&control, CONTROL_LOOK_ERROR, 8), EFAULT);
	tsr_ram_destroy(&ram);
}

static void test_control_scratch(void **state)
{
	struct control control = control_make();

	control_store(&control, CONTROL_SCRATCH, 8, 0x8182838485868788);
	assert_int_equal(control_load(&control, CONTROL_SCRATCH, 8), 0x8182838485868788);
	control_store(&control, CONTROL_SCRATCH, 4, 0x01020304);
	control_store(&control, CONTROL_SCRATCH + 4, 2, 0x0506);
	control_store(&control, CONTROL_SCRATCH + 7, 1, 0xffffff07);
	assert_int_equal(control_load(&control, CONTROL_SCRATCH, 8), 0x0782050601020304);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_uart_output),	  cmocka_unit_test(test_uart_input),
		cmocka_unit_test(test_control_registers), cmocka_unit_test(test_control_regions),
		cmocka_unit_test(test_control_stores),	  cmocka_unit_test(test_control_look),
		cmocka_unit_test(test_control_scratch),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("vmm_devices", tests, NULL, NULL);
}
