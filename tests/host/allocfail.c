// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * test-allocfail: each call that needs memory of the kernel, with its Nth allocation failing,
 * for every N, until none fails (Linux's Documentation/fault-injection, fail-nth; on the debug
 * kernel). A call that fails says ENOMEM, or EFAULT where it was a copy from or to user space
 * that was made to fail, and changes nothing: the same call succeeds afterwards.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../abi/guest.h"
#include "../abi/machine.h"
#include "../abi/tap.h"

#define PTR(p)	   ((unsigned long)(p))
#define TEST_PAGES 600UL
#define NTH_MAX	   2000

static struct machine m;
static void *memory;  /* TEST_PAGES of it */
static int made = -1; /* the fd that an attempt made */
static int fail_nth = -1;

/* --- Faults. --- */

/* May itself be where the fault strikes. */
static void inject(unsigned int nth)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%u", nth);

	while (pwrite(fail_nth, text, (size_t)length, 0) != length)
		if (errno != EFAULT)
			err(1, "fail-nth");
}

/* Ends the injection: has a fault been injected since it began? */
static bool injected(void)
{
	char text[16] = "";
	ssize_t length = pread(fail_nth, text, sizeof(text) - 1, 0);

	if (length < 0 && errno != EFAULT)
		err(1, "fail-nth");
	inject(0);
	return length > 0 && !strtoul(text, NULL, 10);
}

/* --- What is tried. --- */

static void open_machine(void)
{
	machine_open(&m, 0);
}

static void open_vm(void)
{
	machine_open(&m, MACHINE_NO_VCPU);
}

static void close_machine(void)
{
	if (made >= 0)
		close(made);
	made = -1;
	machine_close(&m);
}

/* Notes the fd @ret, if it is one. */
static long make_fd(long ret)
{
	if (ret >= 0)
		made = (int)ret;
	return ret;
}

static long make(int fd, unsigned long request, unsigned long arg)
{
	return make_fd(call(fd, request, arg));
}

static void nothing(void)
{
}

static void close_made(void)
{
	if (made >= 0)
		close(made);
	made = -1;
}

static long create_vm(void)
{
	return make(env.kvm, KVM_CREATE_VM, 0);
}

static long create_vcpu(void)
{
	return make(m.vm, KVM_CREATE_VCPU, 0);
}

static long enable_ring(void)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_DIRTY_LOG_RING_ACQ_REL, .args = { PAGE } };

	return call(m.vm, KVM_ENABLE_CAP, PTR(&cap));
}

static void open_vm_ring(void)
{
	open_vm();
	if (enable_ring() < 0)
		err(1, "dirty rings cannot be enabled");
}

static long vm_stats(void)
{
	return make(m.vm, KVM_GET_STATS_FD, 0);
}

static long vcpu_stats(void)
{
	return make(m.vcpu, KVM_GET_STATS_FD, 0);
}

static long init_vcpu(void)
{
	struct kvm_vcpu_init init;
	long ret = call(m.vm, KVM_ARM_PREFERRED_TARGET, PTR(&init));

	init.features[0] = 1 << KVM_ARM_VCPU_PSCI_0_2;
	return ret < 0 ? ret : call(m.vcpu, KVM_ARM_VCPU_INIT, PTR(&init));
}

static long slot(uint32_t flags, uint64_t gpa, uint64_t size)
{
	return machine_slot(&m, TEST_SLOT, flags, gpa, size, memory);
}

static long slot_create(void)
{
	return slot(0, TEST_GPA, TEST_PAGES * PAGE);
}

static long slot_create_logged(void)
{
	return slot(KVM_MEM_LOG_DIRTY_PAGES, TEST_GPA, TEST_PAGES * PAGE);
}

static long slot_move(void)
{
	return slot(0, TEST_GPA + BLOCK, TEST_PAGES * PAGE);
}

static long slot_delete(void)
{
	return slot(0, TEST_GPA, 0);
}

static void open_with_slot(void)
{
	open_machine();
	if (slot_create() < 0)
		errx(1, "there is no slot to try it on");
}

static void open_with_log(void)
{
	open_machine();
	if (slot_create_logged() < 0)
		errx(1, "there is no slot to try it on");
}

static long set_attributes(void)
{
	return machine_attr(&m, TEST_GPA + PAGE, PAGE, KVM_MEMORY_ATTRIBUTE_NW,
			    KVM_MEMORY_ATTRIBUTES_SET);
}

static long get_log(void)
{
	static uint8_t bitmap[TEST_PAGES / 8 + 8];
	struct kvm_dirty_log log = { .slot = TEST_SLOT, .dirty_bitmap = bitmap };

	return call(m.vm, KVM_GET_DIRTY_LOG, PTR(&log));
}

static long set_filter(void)
{
	struct kvm_smccc_filter filter = { .base = 0xc6000000,
					   .nr_functions = 5,
					   .action = KVM_SMCCC_FILTER_DENY };
	struct kvm_device_attr attr = {
		.group = KVM_ARM_VM_SMCCC_CTRL,
		.attr = KVM_ARM_VM_SMCCC_FILTER,
		.addr = PTR(&filter),
	};

	return call(m.vm, KVM_SET_DEVICE_ATTR, PTR(&attr));
}

static long coalesce(void)
{
	struct kvm_coalesced_mmio_zone zone = { .addr = MMIO_GPA, .size = PAGE };

	return call(m.vm, KVM_REGISTER_COALESCED_MMIO, PTR(&zone));
}

/* To the end of the snippet; a run that failed goes on where it was. */
static long run(void)
{
	long ret = machine_run(&m);

	if (!ret && !machine_done(&m, NULL))
		machine_explain(&m, ret);
	return ret || machine_done(&m, NULL) ? ret : -EIO;
}

static void open_with_store(void)
{
	open_with_slot();
	machine_call(&m, guest_str, TEST_GPA, 1);
}

/* Pages of two tables of the last level, all of them new to the host, too. */
static void open_untouched(void)
{
	memory_drop(memory, TEST_PAGES * PAGE);
	open_with_slot();
	machine_call(&m, guest_touch_loop, TEST_GPA, TEST_PAGES);
}

/* --- Private memory. --- */

static long create_gmem(void)
{
	return make_fd(machine_gmem(&m, TEST_PAGES * PAGE, 0));
}

static void open_with_gmem(void)
{
	open_machine();
	if (create_gmem() < 0)
		errx(1, "there is no guest_memfd to try it on");
}

static long slot_create_gmem(void)
{
	return machine_gmem_slot(&m, TEST_SLOT, 0, TEST_GPA, TEST_PAGES * PAGE, memory, made, 0);
}

static void open_with_gmem_slot(void)
{
	open_with_gmem();
	if (slot_create_gmem() < 0)
		errx(1, "there is no slot of it to try it on");
}

static long convert(void)
{
	return machine_attr(&m, TEST_GPA + PAGE, 2 * PAGE, KVM_MEMORY_ATTRIBUTE_PRIVATE,
			    KVM_MEMORY_ATTRIBUTES_SET);
}

static long convert_back(void)
{
	return machine_attr(&m, TEST_GPA + PAGE, 2 * PAGE, KVM_MEMORY_ATTRIBUTE_PRIVATE,
			    KVM_MEMORY_ATTRIBUTES_CLEAR);
}

static void open_private(void)
{
	open_with_gmem_slot();
	if (machine_attr(&m, TEST_GPA, TEST_PAGES * PAGE, KVM_MEMORY_ATTRIBUTE_PRIVATE, 0) < 0)
		errx(1, "memory cannot be made private");
}

/* Pages that the guest has written before. */
static void open_written(void)
{
	open_private();
	if (!machine_finishes(&m, guest_touch_loop, TEST_GPA, 8, NULL))
		errx(1, "private memory cannot be written");
}

static void open_private_untouched(void)
{
	open_private();
	machine_call(&m, guest_touch_loop, TEST_GPA, 64);
}

/* --- The trials. --- */

static const struct trial {
	const char *name;
	void (*before)(void);
	long (*attempt)(void);
	void (*after)(void);
} trials[] = {
	{ "KVM_CREATE_VM", nothing, create_vm, close_made },
	{ "KVM_CREATE_VCPU", open_vm, create_vcpu, close_machine },
	{ "KVM_CREATE_VCPU with a dirty ring", open_vm_ring, create_vcpu, close_machine },
	{ "KVM_ENABLE_CAP of dirty rings", open_vm, enable_ring, close_machine },
	{ "KVM_ARM_VCPU_INIT", open_machine, init_vcpu, close_machine },
	{ "KVM_GET_STATS_FD of a VM", open_machine, vm_stats, close_machine },
	{ "KVM_GET_STATS_FD of a vCPU", open_machine, vcpu_stats, close_machine },
	{ "a slot is made", open_machine, slot_create, close_machine },
	{ "a logged slot is made", open_machine, slot_create_logged, close_machine },
	{ "a slot gets a log", open_with_slot, slot_create_logged, close_machine },
	{ "a slot moves", open_with_slot, slot_move, close_machine },
	{ "a slot goes", open_with_slot, slot_delete, close_machine },
	{ "KVM_SET_MEMORY_ATTRIBUTES", open_with_slot, set_attributes, close_machine },
	{ "KVM_GET_DIRTY_LOG", open_with_log, get_log, close_machine },
	{ "an SMCCC filter", open_machine, set_filter, close_machine },
	{ "KVM_REGISTER_COALESCED_MMIO", open_machine, coalesce, close_machine },
	{ "the first KVM_RUN", open_with_store, run, close_machine },
	{ "KVM_RUN, new memory", open_untouched, run, close_machine },
	{ "KVM_CREATE_GUEST_MEMFD", open_machine, create_gmem, close_machine },
	{ "a slot of private memory", open_with_gmem, slot_create_gmem, close_machine },
	{ "pages become private", open_with_gmem_slot, convert, close_machine },
	{ "pages become shared", open_written, convert_back, close_machine },
	{ "a slot of private memory goes", open_written, slot_delete, close_machine },
	{ "KVM_RUN, private memory", open_private_untouched, run, close_machine },
};

/* The Nth allocation fails; false: there is none such, or the test has failed. */
static bool try_nth(const struct trial *trial, unsigned int nth, bool *good)
{
	bool happened;
	long ret, again = 0;

	trial->before();
	inject(nth);
	ret = trial->attempt();
	happened = injected();
	if (happened && ret < 0)
		again = trial->attempt();
	trial->after();
	*good = ret >= 0 || (happened && again >= 0 && (ret == -ENOMEM || ret == -EFAULT));
	if (!*good)
		tap_note("allocation %u: %ld, and then %ld", nth, ret, again);
	return happened && *good;
}

static void try_all(const struct trial *trial)
{
	unsigned int nth = 1;
	bool good;

	while (nth < NTH_MAX && try_nth(trial, nth, &good))
		nth++;
	/* At the least one of the kernel's own has to have failed. */
	tap_ok(good && nth > 1 && nth < NTH_MAX, "%s: %u times one fails", trial->name, nth - 1);
}

int main(void)
{
	env_init();
	memory = memory_anon(TEST_PAGES * PAGE);
	madvise(memory, TEST_PAGES * PAGE, MADV_NOHUGEPAGE);
	fail_nth = open("/proc/thread-self/fail-nth", O_RDWR);
	if (fail_nth < 0)
		err(1, "/proc/thread-self/fail-nth");
	for (size_t i = 0; i < sizeof(trials) / sizeof(trials[0]); i++)
		try_all(&trials[i]);
	return tap_end();
}
