// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Each counter of docs/abi.md 2.9: what it counts, once, and nothing else does. */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "groups.h"
#include "guest.h"
#include "rows.h"
#include "tap.h"

#define SIZE (16 * PAGE)
#define NR   KVM_MEMORY_ATTRIBUTE_NR
#define NW   KVM_MEMORY_ATTRIBUTE_NW
#define NX   KVM_MEMORY_ATTRIBUTE_NX
#define NT   KVM_MEMORY_ATTRIBUTE_NT

/* All of a vCPU's but `exits`, which interrupts of the host raise as well. */
static const char *const names[] = {
	"hvc_exit_stat",
	"wfi_exit_stat",
	"wfe_exit_stat",
	"sysreg_exits",
	"mmio_exit_user",
	"mmio_exit_kernel",
	"signal_exits",
	"debug_exits",
	"hypercall_exits",
	"system_event_exits",
	"memory_fault_read_exits",
	"memory_fault_write_exits",
	"memory_fault_exec_exits",
	"memory_fault_tag_exits",
	"faults_read",
	"faults_write",
	"faults_exec",
	"faults_walk",
	"faults_tag",
};

#define NAMES ROW_COUNT(names)

static void read_all(int fd, int64_t *values)
{
	for (unsigned int i = 0; i < NAMES; i++)
		values[i] = machine_counter(fd, names[i]);
}

/* By how much @name has to grow; @grown: words with a blank between. */
static int64_t growth(const char *grown, const char *name)
{
	size_t length = strlen(name);
	int64_t count = 0;

	for (const char *at = strstr(grown, name); at; at = strstr(at + length, name))
		count += at[length] == ' ' || !at[length];
	return count;
}

/* One KVM_RUN, which makes those in @grown grow by one, or by two where they stand twice. */
static void counts(struct machine *m, const char *grown, const char *what)
{
	int fd = (int)call(m->vcpu, KVM_GET_STATS_FD, 0);
	int64_t before[NAMES], after[NAMES];
	bool pass = true;

	read_all(fd, before);
	machine_run(m);
	read_all(fd, after);
	for (unsigned int i = 0; i < NAMES; i++) {
		int64_t want = growth(grown, names[i]), got = after[i] - before[i];

		if (before[i] < 0 || got != want) {
			tap_note("%s grew by %lld, not %lld", names[i], (long long)got,
				 (long long)want);
			pass = false;
		}
	}
	tap_ok(pass, "%s: %s", what, grown);
	close(fd);
}

/* What ends a snippet is a store to a hole. */
#define END " faults_write mmio_exit_user"

/* A machine whose code is mapped, and of whose TEST_GPA nothing is. */
static void open_warm(struct machine *m, unsigned int flags, uint8_t *memory)
{
	machine_open(m, flags);
	machine_slot(m, TEST_SLOT, 0, TEST_GPA, SIZE, memory);
	machine_finishes(m, guest_ldr, CODE_GPA, 0, NULL);
}

static void stops(uint8_t *memory)
{
	const struct kvm_coalesced_mmio_zone zone = { .addr = MMIO_GPA, .size = 8 };
	struct machine m;

	open_warm(&m, 0, memory);
	machine_call(&m, guest_hvc, 0x84000000, 0);
	counts(&m, "hvc_exit_stat" END, "a call");
	machine_call(&m, guest_isar0, 0, 0);
	counts(&m, "sysreg_exits" END, "an ID register");
	machine_call(&m, guest_wfi, 0, 0);
	alarm_in(50);
	counts(&m, "wfi_exit_stat signal_exits", "WFI until a signal");
	machine_call(&m, guest_ldr, MMIO_GPA, 0);
	counts(&m, "faults_read mmio_exit_user", "a load from a hole");
	counts(&m, "" END, "its completion");
	call(m.vm, KVM_REGISTER_COALESCED_MMIO, PTR(&zone));
	machine_call(&m, guest_str, MMIO_GPA, 0);
	counts(&m, "faults_write mmio_exit_kernel" END, "a coalesced store");
	machine_call(&m, guest_hvc, 0x84000008, 0);
	counts(&m, "hvc_exit_stat system_event_exits", "SYSTEM_OFF");
	machine_close(&m);
}

static void debugged(uint8_t *memory)
{
	const struct kvm_guest_debug step = { .control = KVM_GUESTDBG_ENABLE |
							 KVM_GUESTDBG_SINGLESTEP };
	struct machine m;

	open_warm(&m, 0, memory);
	machine_call(&m, guest_spin, 0, 0);
	call(m.vcpu, KVM_SET_GUEST_DEBUG, PTR(&step));
	counts(&m, "debug_exits", "a step");
	machine_close(&m);
}

static void forwarded(void)
{
	const struct kvm_smccc_filter filter = { .base = 0xc6000000,
						 .nr_functions = 1,
						 .action = KVM_SMCCC_FILTER_FWD_TO_USER };
	const struct kvm_device_attr attr = { .addr = PTR(&filter) };
	struct machine m;

	machine_open(&m, 0);
	call(m.vm, KVM_SET_DEVICE_ATTR, PTR(&attr));
	machine_finishes(&m, guest_ldr, CODE_GPA, 0, NULL);
	machine_call(&m, guest_hvc, 0xc6000000, 0);
	counts(&m, "hvc_exit_stat hypercall_exits", "a call for the VMM");
	machine_close(&m);
}

static void faults(uint8_t *memory)
{
	struct machine m;
	int vm;

	memory_drop(memory, SIZE);
	memcpy(memory + PAGE, guest_finish, 12);
	open_warm(&m, 0, memory);
	vm = (int)call(m.vm, KVM_GET_STATS_FD, 0);
	machine_call(&m, guest_str, TEST_GPA, 1);
	counts(&m, "faults_write" END, "a store to a page that is not mapped");
	machine_call(&m, guest_str, TEST_GPA, 1);
	counts(&m, "" END, "and to one that is");
	machine_call(&m, guest_branch, TEST_GPA + PAGE, 1);
	counts(&m, "faults_exec" END, "a fetch");
	tap_ok(machine_counter(vm, "exits_fault") == 0, "no fault has been the VMM's");
	machine_attr(&m, TEST_GPA, SIZE, NR | NW | NX, 0);
	machine_call(&m, guest_ldr, TEST_GPA, 1);
	counts(&m, "faults_read memory_fault_read_exits", "a load under NR");
	machine_call(&m, guest_str, TEST_GPA, 1);
	counts(&m, "faults_write memory_fault_write_exits", "a store under NW");
	machine_call(&m, guest_branch, TEST_GPA + PAGE, 1);
	counts(&m, "faults_exec memory_fault_exec_exits", "a fetch under NX");
	tap_ok(machine_counter(vm, "exits_fault") == 3, "VM: exits_fault counts all three");
	tap_ok(machine_counter(vm, "exits_tag") == 0, "and exits_tag none of them");
	close(vm);
	machine_close(&m);
}

/* The guest's own tables are where its root says. */
static void walks(uint8_t *memory)
{
	struct machine m;

	open_warm(&m, MACHINE_MMU, memory);
	machine_call(&m, guest_ldr, CODE_GPA, 0);
	machine_attr(&m, machine_get(&m, REG_TTBR0_EL1), PAGE, NR, 0);
	counts(&m, "faults_walk memory_fault_read_exits", "a walk under NR");
	machine_close(&m);
}

static void tags(uint8_t *memory)
{
	struct machine m;
	int64_t opened;
	int vm;

	if (!env.notag) {
		tap_skip(env_lacks(NEED_NOTAG), "counters of tags");
		return;
	}
	open_warm(&m, MACHINE_MTE | MACHINE_MMU, memory);
	vm = (int)call(m.vm, KVM_GET_STATS_FD, 0);
	machine_attr(&m, TEST_GPA, PAGE, NT, 0);
	machine_call(&m, guest_ldg, TEST_GPA, 0);
	/* The page has to be mapped anew first, which is a fault of another kind. */
	machine_run(&m);
	counts(&m, "faults_tag memory_fault_tag_exits", "a tag access under NT");
	tap_ok(machine_counter(vm, "exits_tag") == 2, "VM: exits_tag");
	tap_ok(machine_counter(vm, "exits_fault") == 0, "and not exits_fault");
	opened = machine_counter(vm, "pages_tags_opened");
	machine_finishes(&m, guest_stg, TEST_GPA + PAGE, 3, NULL);
	tap_ok(machine_counter(vm, "pages_tags_opened") == opened + 1, "VM: pages_tags_opened");
	close(vm);
	machine_close(&m);
}

/* A huge page: mapped whole, cut for an attribute of one page, whole again. */
static void blocks(void)
{
	uint8_t *memory = memory_anon(2 * BLOCK);
	uint8_t *aligned = (uint8_t *)(((uintptr_t)memory + BLOCK - 1) & ~(BLOCK - 1));
	struct machine m;
	int64_t pages, faults;
	int vm;

	madvise(aligned, BLOCK, MADV_HUGEPAGE);
	memset(aligned, 1, BLOCK);
	open_warm(&m, 0, memory);
	machine_slot(&m, TEST_SLOT + 1, 0, 2 * TEST_GPA, BLOCK, aligned);
	vm = (int)call(m.vm, KVM_GET_STATS_FD, 0);
	pages = machine_counter(vm, "pages_mapped");
	machine_finishes(&m, guest_str, TEST_GPA, 1, NULL);
	tap_ok(machine_counter(vm, "pages_mapped") == pages + 1, "VM: pages_mapped");
	faults = machine_counter(vm, "faults");
	machine_finishes(&m, guest_str, 2 * TEST_GPA, 1, NULL);
	tap_ok(machine_counter(vm, "blocks_mapped") == 1 &&
		       machine_counter(vm, "pages_mapped") == pages + 1,
	       "VM: blocks_mapped");
	/* The store that ends the snippet is one. */
	tap_ok(machine_counter(vm, "faults") == faults + 2, "VM: faults");
	tap_ok(!machine_counter(vm, "splits") && !machine_counter(vm, "joins"), "none was cut");
	machine_attr(&m, 2 * TEST_GPA + PAGE, PAGE, NW, 0);
	tap_ok(machine_counter(vm, "splits") == 1, "VM: splits");
	machine_attr(&m, 2 * TEST_GPA + PAGE, PAGE, 0, 0);
	machine_finishes(&m, guest_str, 2 * TEST_GPA + PAGE, 1, NULL);
	tap_ok(machine_counter(vm, "joins") == 1, "VM: joins");
	close(vm);
	machine_close(&m);
	munmap(memory, 2 * BLOCK);
}

void test_counters(void)
{
	uint8_t *memory = memory_anon(SIZE);

	if (!env.tsr) {
		tap_skip(env_lacks(NEED_TSR), "counters");
		return;
	}
	madvise(memory, SIZE, MADV_NOHUGEPAGE);
	stops(memory);
	debugged(memory);
	forwarded();
	faults(memory);
	walks(memory);
	tags(memory);
	blocks();
	munmap(memory, SIZE);
}
