// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * A plugin of QEMU that counts how often each block of code is executed between two
 * markers (mark.h), and writes that as lines "ADDRESS INSTRUCTIONS TIMES" to PATH.1, with
 * out=PATH; what is counted between the next two, to PATH.2, and so on. For machines with
 * one CPU.
 *
 * Debian ships QEMU without its plugin header, so what is used of it is declared here:
 * the interface of version 7, that of QEMU 11.1.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT	   __attribute__((visibility("default")))
#define HINT(imm)  (0xd503201fU | (imm) << 5)
#define HINT_START HINT(0x70U)
#define HINT_END   HINT(0x71U)

typedef uint64_t plugin_id;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_info_t;

enum qemu_plugin_cb_flags { CB_NO_REGS };

typedef void (*trans_fn)(struct qemu_plugin_tb *, void *opaque);
typedef void (*exec_fn)(unsigned int cpu, void *opaque);

extern void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id, trans_fn, void *opaque);
extern void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *, exec_fn,
						 enum qemu_plugin_cb_flags, void *opaque);
extern void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *, exec_fn,
						   enum qemu_plugin_cb_flags, void *opaque);
extern size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
extern uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *);
extern struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t);
extern size_t qemu_plugin_insn_data(const struct qemu_plugin_insn *, void *to, size_t size);

EXPORT int qemu_plugin_version = 7;
EXPORT int qemu_plugin_install(plugin_id id, const struct qemu_info_t *info, int argc, char **argv);

/* Lives as long as QEMU: a block that is translated anew gets another one. */
struct block {
	struct block *next;
	uint64_t address;
	uint64_t instructions;
	uint64_t times;
};

static struct block *blocks;
static bool counting;
static const char *out;
static unsigned int stretch;

static void on_start(unsigned int cpu, void *opaque)
{
	for (struct block *block = blocks; block; block = block->next)
		block->times = 0;
	counting = true;
}

static void on_end(unsigned int cpu, void *opaque)
{
	char name[4096];
	FILE *file;

	counting = false;
	snprintf(name, sizeof(name), "%s.%u", out, ++stretch);
	file = fopen(name, "w");
	if (!file)
		return;
	for (struct block *block = blocks; block; block = block->next) {
		if (block->times)
			fprintf(file, "%016" PRIx64 " %" PRIu64 " %" PRIu64 "\n", block->address,
				block->instructions, block->times);
	}
	fclose(file);
}

static void on_block(unsigned int cpu, void *opaque)
{
	struct block *block = opaque;

	block->times += counting;
}

static void on_translation(struct qemu_plugin_tb *tb, void *opaque)
{
	struct block *block = malloc(sizeof(*block));

	if (!block)
		abort();
	*block = (struct block){
		.next = blocks,
		.address = qemu_plugin_tb_vaddr(tb),
		.instructions = qemu_plugin_tb_n_insns(tb),
	};
	blocks = block;
	qemu_plugin_register_vcpu_tb_exec_cb(tb, on_block, CB_NO_REGS, block);
	for (size_t i = 0; i < block->instructions; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		uint32_t code = 0;

		qemu_plugin_insn_data(insn, &code, sizeof(code));
		if (code == HINT_START)
			qemu_plugin_register_vcpu_insn_exec_cb(insn, on_start, CB_NO_REGS, NULL);
		else if (code == HINT_END)
			qemu_plugin_register_vcpu_insn_exec_cb(insn, on_end, CB_NO_REGS, NULL);
	}
}

int qemu_plugin_install(plugin_id id, const struct qemu_info_t *info, int argc, char **argv)
{
	for (int i = 0; i < argc; i++) {
		if (!strncmp(argv[i], "out=", 4))
			out = argv[i] + 4;
	}
	if (!out) {
		fprintf(stderr, "count: out=PATH is missing\n");
		return -1;
	}
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation, NULL);
	return 0;
}
