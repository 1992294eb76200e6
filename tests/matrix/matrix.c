// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * test-matrix: every row of tests/matrix/table on this host. Of each: is the slot accepted,
 * when it is made and when logging begins later; and what comes of a load, a store, a fetch,
 * LDG and STG, each on a page of its own. Prints what it finds in the table's own letters.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../abi/guest.h"
#include "../abi/machine.h"
#include "../abi/tap.h"
#include "memory.h"

#define SLOT_PAGES 8
#define SLOT_SIZE  (SLOT_PAGES * PAGE)
/* Where in its page an access goes: edu has a register there that holds what it is given. */
#define OFFSET	0x80
#define LETTERS 5

enum vm_kind { VM_plain, VM_mte, VM_optional, VM_touch };
enum slot_kind { SLOT_rw, SLOT_ro, SLOT_log };

static const struct row {
	enum memory_kind memory;
	enum vm_kind vm;
	enum slot_kind slot;
	const char *want[4]; /* by CPU model */
} rows[] = {
#define MEMORY(...)
#define ROW(memory, vm, slot, ...) { MEMORY_##memory, VM_##vm, SLOT_##slot, { __VA_ARGS__ } },
#include <matrix_rows.h>
#undef ROW
#undef MEMORY
};

#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

static const char *const models[] = { "max", "neoverse-n2", "cortex-a710", "cortex-a76" };

static const char *const vm_names[] = { "no MTE", "MTE", "TAGS_OPTIONAL", "TAGS_ON_TOUCH" };
static const uint32_t vm_flags[] = {
	0,
	0,
	KVM_MEM_TSR_TAGS_OPTIONAL,
	KVM_MEM_TSR_TAGS_OPTIONAL | KVM_MEM_TSR_TAGS_ON_TOUCH,
};
static const char *const slot_names[] = { "rw", "ro", "log" };
static const uint32_t slot_flags[] = { 0, KVM_MEM_READONLY, KVM_MEM_LOG_DIRTY_PAGES };

/* The accesses, in the order of the letters; a page each. */
enum { LOAD, STORE, FETCH, TAG_READ, TAG_WRITE };

#define PATTERN	  0x7e55e4a0c0ffee00UL
#define HOST_TAG  7
#define GUEST_TAG 5

struct trial {
	const struct row *row;
	struct machine m;
	uint8_t *memory;
	char got[32]; /* in the table's words */
};

static uint64_t page_gpa(unsigned int access)
{
	return TEST_GPA + access * PAGE + OFFSET;
}

static uint64_t *page_word(const struct trial *t, unsigned int access)
{
	return (uint64_t *)(t->memory + access * PAGE + OFFSET);
}

/* Stores HOST_TAG at @at, where this process may map its memory with tags. */
static void host_tag(void *memory, size_t size, void *at)
{
	uint64_t tagged = (uint64_t)at | (uint64_t)HOST_TAG << 56;

	if (mprotect(memory, size, PROT_READ | PROT_WRITE | PROT_MTE))
		return;
	__asm__ volatile(".arch_extension memtag\n\tstg %0, [%0]" : : "r"(tagged) : "memory");
	mprotect(memory, size, PROT_READ | PROT_WRITE);
}

static void memory_fill(struct trial *t)
{
	enum memory_kind kind = t->row->memory;
	bool hugetlb = kind == MEMORY_hugetlb || kind == MEMORY_hugetlb_old;

	if (!memory_is_plain(kind))
		return;
	*page_word(t, LOAD) = PATTERN;
	*page_word(t, STORE) = 0;
	memcpy(page_word(t, FETCH), guest_finish, 12);
	if (kind < MEMORY_kernel_pfn)
		__builtin___clear_cache((char *)page_word(t, FETCH),
					(char *)page_word(t, FETCH) + 12);
	if (env.mte)
		host_tag(t->memory, hugetlb ? BLOCK : SLOT_SIZE, page_word(t, TAG_READ));
}

/* What an exit with KVM_EXIT_MEMORY_FAULT for the page at @gpa says. */
static char fault_letter(const struct machine *m, uint64_t gpa)
{
	if (m->run->exit_reason != KVM_EXIT_MEMORY_FAULT ||
	    m->run->memory_fault.gpa != (gpa & ~(PAGE - 1)) || m->run->memory_fault.size != PAGE)
		return '?';
	switch (m->run->memory_fault.flags) {
	case KVM_MEMORY_EXIT_FLAG_READ:
		return 'R';
	case KVM_MEMORY_EXIT_FLAG_WRITE:
		return 'W';
	case KVM_MEMORY_EXIT_FLAG_EXEC:
		return 'X';
	case KVM_MEMORY_EXIT_FLAG_TAG:
		return 'T';
	}
	return '?';
}

/* What an exception that the guest took says. */
static char exception_letter(uint64_t esr)
{
	switch (ESR_EC(esr)) {
	case 0:
		return 'U';
	case EC_INSN_ABORT:
	case EC_DATA_ABORT:
		return ESR_FSC(esr) == FSC_EXTERNAL ? 'A' : '?';
	}
	return '?';
}

/* Runs @snippet on @gpa: '+' if it got to its end, with x1 in *@value, or what else came. */
static char letter_of(struct machine *m, const void *snippet, uint64_t gpa, uint64_t *value)
{
	const struct kvm_run *run = m->run;
	long ret;

	machine_call(m, snippet, gpa, *value);
	ret = machine_run(m);
	if (ret == -ENOSYS)
		return 'N';
	if (ret == -EFAULT)
		return fault_letter(m, gpa);
	if (ret)
		return '?';
	if (machine_done(m, value))
		return machine_get(m, REG_PC) < machine_snippet(guest_finish)
			       ? exception_letter(*value)
			       : '+';
	if (run->exit_reason == KVM_EXIT_MMIO && run->mmio.phys_addr == gpa && run->mmio.is_write)
		return 'M';
	return '?';
}

static char load_letter(struct trial *t)
{
	uint64_t value = 0;
	char letter = letter_of(&t->m, guest_ldr, page_gpa(LOAD), &value);

	if (letter == '+' && memory_is_plain(t->row->memory) && value != PATTERN)
		return '?';
	return letter;
}

static char store_letter(struct trial *t)
{
	uint64_t value = PATTERN;
	char letter = letter_of(&t->m, guest_str, page_gpa(STORE), &value);

	if (memory_is_plain(t->row->memory) &&
	    *page_word(t, STORE) != (letter == '+' ? PATTERN : 0))
		return '?';
	return letter;
}

static char fetch_letter(struct trial *t)
{
	uint64_t value = 0;

	return letter_of(&t->m, guest_branch, page_gpa(FETCH), &value);
}

/* Whose tag it was: the one that this side has stored, or none. */
static char tag_letter(char letter, uint64_t tag, uint64_t stored)
{
	if (letter != '+')
		return letter;
	return tag == stored ? '+' : tag ? '?' : '0';
}

static char tag_read_letter(struct trial *t)
{
	uint64_t tag = 0;
	char letter = letter_of(&t->m, guest_ldg, page_gpa(TAG_READ), &tag);

	return tag_letter(letter, tag, HOST_TAG);
}

static char tag_write_letter(struct trial *t)
{
	uint64_t tag = GUEST_TAG;
	char letter = letter_of(&t->m, guest_stg, page_gpa(TAG_WRITE), &tag);

	if (letter == '+')
		letter = letter_of(&t->m, guest_ldg, page_gpa(TAG_WRITE), &tag);
	return tag_letter(letter, tag, GUEST_TAG);
}

/*
 * Just what was written is in the log. Of a tag store that exits, or stores nothing, the page
 * may be there, too.
 */
static bool log_is_right(struct trial *t)
{
	uint64_t log = 0, want = 0, either = 0;
	struct kvm_dirty_log request = { .slot = TEST_SLOT, .dirty_bitmap = &log };

	if (t->got[STORE] == '+')
		want |= 1 << STORE;
	if (t->got[TAG_WRITE] == '+')
		want |= 1 << TAG_WRITE;
	if (t->got[TAG_WRITE] == '0' || t->got[TAG_WRITE] == 'T')
		either |= 1 << TAG_WRITE;
	if (call(t->m.vm, KVM_GET_DIRTY_LOG, (unsigned long)&request) == 0 &&
	    (log & ~either) == want)
		return true;
	tap_note("the log is %#lx, not %#lx", (unsigned long)log, (unsigned long)want);
	return false;
}

/* The VMM cannot map it with tags of its own: it has them stored. */
static void gmem_tag(struct trial *t)
{
	uint8_t tags[PAGE / 16] = { [OFFSET / 16] = HOST_TAG };
	struct kvm_arm_copy_mte_tags copy = {
		.guest_ipa = TEST_GPA + TAG_READ * PAGE,
		.length = PAGE,
		.addr = tags,
		.flags = KVM_ARM_TAGS_TO_GUEST,
	};

	call(t->m.vm, KVM_ARM_MTE_COPY_TAGS, (unsigned long)&copy);
}

/* A file of guest memory in place of the memory there is, with what is in that. */
static long gmem_make(struct trial *t, uint32_t flags)
{
	long fd = machine_gmem(&t->m, SLOT_SIZE,
			       GUEST_MEMFD_FLAG_MMAP | GUEST_MEMFD_FLAG_INIT_SHARED);
	uint8_t *file;
	long ret;

	if (fd < 0)
		return fd;
	file = memory_map(SLOT_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, (int)fd);
	memcpy(file, t->memory, SLOT_SIZE);
	__builtin___clear_cache((char *)file, (char *)file + SLOT_SIZE);
	if (mremap(file, SLOT_SIZE, SLOT_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, t->memory) !=
	    t->memory)
		tap_note("the file is not where the memory was");
	ret = machine_gmem_slot(&t->m, TEST_SLOT, flags, TEST_GPA, SLOT_SIZE, NULL, (int)fd, 0);
	close((int)fd);
	if (!ret && env.mte)
		gmem_tag(t);
	return ret;
}

static long slot_make(struct trial *t, uint32_t flags)
{
	if (t->row->memory == MEMORY_guest_memfd)
		return gmem_make(t, flags);
	return machine_slot(&t->m, TEST_SLOT, flags, TEST_GPA, SLOT_SIZE, t->memory);
}

/* Logging that begins later is judged as if it were there at first. */
static long slot_log_later(struct trial *t, uint32_t flags)
{
	long ret = slot_make(t, flags & ~KVM_MEM_LOG_DIRTY_PAGES);

	if (ret)
		return ret;
	ret = slot_make(t, flags);
	machine_slot(&t->m, TEST_SLOT, 0, 0, 0, NULL);
	return ret;
}

static void outcome_find(struct trial *t)
{
	static char (*const letters[LETTERS])(struct trial *) = {
		load_letter, store_letter, fetch_letter, tag_read_letter, tag_write_letter,
	};
	uint32_t flags = vm_flags[t->row->vm] | slot_flags[t->row->slot];
	bool logged = t->row->slot == SLOT_log;
	long later = logged ? slot_log_later(t, flags) : 0;
	long ret = slot_make(t, flags);

	if (logged && later != ret) {
		tap_note("logging that begins later: %ld, at once: %ld", later, ret);
		return;
	}
	if (ret) {
		snprintf(t->got, sizeof(t->got), "%s", strerrorname_np((int)-ret));
		return;
	}
	for (unsigned int i = 0; i < LETTERS; i++) {
		t->got[i] = letters[i](t);
		if (t->got[i] == '?')
			machine_explain(&t->m, 0);
	}
	if (logged && !log_is_right(t))
		strcat(t->got, "?");
}

/* There is no VM with MTE on this host, and none of its slots. */
static void outcome_without_mte(struct trial *t)
{
	machine_open(&t->m, MACHINE_NO_VCPU);
	if (machine_cap(&t->m, KVM_CAP_ARM_MTE) == -EINVAL &&
	    (!vm_flags[t->row->vm] ||
	     slot_make(t, vm_flags[t->row->vm] | slot_flags[t->row->slot]) == -EINVAL))
		strcpy(t->got, "-");
	machine_close(&t->m);
}

static void row_run(const struct row *row, unsigned int model)
{
	const char *lacks = memory_lacks(row->memory);
	struct trial t = { .row = row, .got = "" };

	if (lacks) {
		tap_skip(lacks, "%s, %s, %s", memory_words[row->memory], vm_names[row->vm],
			 slot_names[row->slot]);
		return;
	}
	t.memory = memory_get(row->memory, SLOT_SIZE);
	memory_fill(&t);
	if (row->vm != VM_plain && !env.mte) {
		outcome_without_mte(&t);
	} else {
		machine_open(&t.m, MACHINE_MMU | (row->vm == VM_plain ? 0 : MACHINE_MTE) |
					   (row->memory == MEMORY_pfn_cmo ? MACHINE_CMO : 0));
		if (row->vm != VM_plain)
			machine_checks(&t.m, false);
		outcome_find(&t);
		machine_close(&t.m);
	}
	if (!tap_ok(!strcmp(t.got, row->want[model]), "%s, %s, %s: %s", memory_words[row->memory],
		    vm_names[row->vm], slot_names[row->slot], row->want[model]))
		tap_note("it is %s", t.got);
	memory_put(row->memory, t.memory, SLOT_SIZE);
}

int main(void)
{
	unsigned int model = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	env_init();
	memory_init();
	while (model < 4 && (!env.cpu || strcmp(env.cpu, models[model])))
		model++;
	for (unsigned int i = 0; i < ROW_COUNT; i++) {
		if (model < 4)
			row_run(&rows[i], model);
		else
			tap_skip("TSR_CPU names no model of the table", "row %u", i);
	}
	return tap_end();
}
