// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* KVM_RUN: order of calls, immediate_exit, signals, the mapping of struct kvm_run. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "groups.h"
#include "guest.h"
#include "rows.h"
#include "tap.h"

static void before_init(void)
{
	static uint64_t value;
	static struct kvm_one_reg one = { .id = REG_PC };
	static struct kvm_reg_list list;
	static struct kvm_vcpu_events events;
	static const struct row rows[] = {
		{ "before ARM_VCPU_INIT: RUN", 0, FD_VCPU, KVM_RUN, 0, ENOEXEC },
		{ "before ARM_VCPU_INIT: GET_ONE_REG", 0, FD_VCPU, KVM_GET_ONE_REG, PTR(&one),
		  ENOEXEC },
		{ "before ARM_VCPU_INIT: SET_ONE_REG", 0, FD_VCPU, KVM_SET_ONE_REG, PTR(&one),
		  ENOEXEC },
		{ "before ARM_VCPU_INIT: GET_REG_LIST", 0, FD_VCPU, KVM_GET_REG_LIST, PTR(&list),
		  ENOEXEC },
		{ "before ARM_VCPU_INIT: GET_VCPU_EVENTS", 0, FD_VCPU, KVM_GET_VCPU_EVENTS,
		  PTR(&events), ENOEXEC },
		{ "before ARM_VCPU_INIT: SET_VCPU_EVENTS", 0, FD_VCPU, KVM_SET_VCPU_EVENTS,
		  PTR(&events), ENOEXEC },
		{ "RUN with an argument", 0, FD_VCPU, KVM_RUN, 1, EINVAL },
	};
	struct machine m;

	one.addr = (uintptr_t)&value;
	machine_open(&m, MACHINE_NO_VCPU);
	m.vcpu = (int)call(m.vm, KVM_CREATE_VCPU, 0);
	rows_run(&m, rows, ROW_COUNT(rows));
	machine_close(&m);
}

static void immediate(void)
{
	struct machine m;
	uint64_t pc;

	machine_open(&m, 0);
	machine_call(&m, guest_str, MMIO_GPA, 0);
	pc = machine_get(&m, REG_PC);
	m.run->immediate_exit = 1;
	tap_errno(machine_run(&m), EINTR, "immediate_exit: EINTR");
	tap_ok(machine_get(&m, REG_PC) == pc, "immediate_exit: no instruction is executed");
	tap_ok(m.run->immediate_exit == 1, "immediate_exit stays as the VMM set it");
	m.run->immediate_exit = 0;
	tap_ok(machine_run(&m) == 0 && m.run->exit_reason == KVM_EXIT_MMIO,
	       "without it the guest runs");
	tap_errno(call(m.vcpu, KVM_RUN, 1), EINVAL, "RUN with an argument, initialised: EINVAL");
	machine_close(&m);
}

/* A guest that never exits by itself; each way to get it out. */
static void signals(const void *snippet, const char *what)
{
	struct machine m;
	long ret;

	machine_open(&m, 0);
	machine_call(&m, snippet, 0, 0);
	m.run->exit_reason = KVM_EXIT_MMIO + 100;
	alarm_in(50);
	ret = machine_run(&m);
	tap_errno(ret, EINTR, "a signal ends %s: EINTR", what);
	tap_ok(m.run->exit_reason == KVM_EXIT_INTR, "with KVM_EXIT_INTR");
	alarm_in(50);
	tap_errno(machine_run(&m), EINTR, "and the next one too");
	machine_close(&m);
}

static sigjmp_buf bus_jump;

static void on_bus(int number)
{
	(void)number;
	siglongjmp(bus_jump, 1);
}

/* Is there a byte of a vCPU's mapping at @offset? */
static bool mapped_at(struct machine *m, off_t offset, int prot)
{
	struct sigaction action = { .sa_handler = on_bus };
	struct sigaction before;
	volatile bool readable = false;
	uint8_t *page = mmap(NULL, PAGE, prot, MAP_SHARED, m->vcpu, offset);

	if (page == MAP_FAILED)
		return false;
	sigaction(SIGBUS, &action, &before);
	if (!sigsetjmp(bus_jump, 1)) {
		(void)*(volatile uint8_t *)page;
		readable = true;
	}
	sigaction(SIGBUS, &before, NULL);
	munmap(page, PAGE);
	return readable;
}

static void mappings(void)
{
	static const off_t beyond[] = { 2, 3, 15, 63, 200, 1L << 20, 1L << 40 };
	struct machine m;
	void *both;

	machine_open(&m, 0);
	tap_ok(mapped_at(&m, 0, PROT_READ), "kvm_run can be mapped again");
	for (unsigned int i = 0; i < ROW_COUNT(beyond); i++)
		tap_ok(!mapped_at(&m, beyond[i] * (off_t)PAGE, PROT_READ),
		       "nothing is mapped at page %lld of a vCPU", (long long)beyond[i]);
	both = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, m.vcpu, 0);
	m.run->immediate_exit = 1;
	tap_ok(both != MAP_FAILED && ((struct kvm_run *)both)->immediate_exit == 1,
	       "two mappings of kvm_run are one");
	munmap(both, PAGE);
	tap_ok(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, m.vm, 0) == MAP_FAILED,
	       "a VM cannot be mapped");
	tap_ok(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, env.kvm, 0) == MAP_FAILED,
	       "/dev/kvm cannot be mapped");
	machine_close(&m);
}

/* The mapping keeps the vCPU's page alive when all fds are closed. */
static void mapping_outlives(void)
{
	struct machine m;

	machine_open(&m, 0);
	close(m.vcpu);
	close(m.vm);
	m.run->immediate_exit = 1;
	tap_ok(m.run->immediate_exit == 1, "kvm_run stays mapped after its fds are closed");
	munmap(m.run, (size_t)call(env.kvm, KVM_GET_VCPU_MMAP_SIZE, 0));
	munmap(m.code, CODE_SIZE);
}

/* Whatever the VMM writes into kvm_run, KVM_RUN survives it. */
static void hostile_run_page(void)
{
	struct machine m;
	uint64_t value;

	machine_open(&m, 0);
	machine_call(&m, guest_ldr, MMIO_GPA, 0);
	machine_run(&m);
	memset(m.run, 0xff, sizeof(*m.run));
	m.run->immediate_exit = 0;
	m.run->mmio.len = 0xffffffff;
	machine_run(&m);
	memset(m.run, 0, sizeof(*m.run));
	tap_ok(machine_finishes(&m, guest_str, CODE_GPA + PAGE, 1, &value) && value == 1,
	       "garbage in kvm_run between exits does no harm");
	m.run->exit_reason = KVM_EXIT_MMIO;
	m.run->mmio.len = 3;
	m.run->mmio.is_write = 0;
	tap_ok(machine_finishes(&m, guest_str, CODE_GPA + PAGE, 2, &value) && value == 2,
	       "nor does an MMIO exit that was none");
	machine_close(&m);
}

/* A signal that KVM_RUN's own mask blocks does not end it; one that it lets in does. */
static void signal_mask(void)
{
	static struct {
		struct kvm_signal_mask mask;
		uint64_t bits;
	} set = { .mask.len = 8 };
	static struct kvm_signal_mask odd = { .len = 4 };
	static const struct row rows[] = {
		{ "SET_SIGNAL_MASK: another length", 0, FD_VCPU, KVM_SET_SIGNAL_MASK, PTR(&odd),
		  EINVAL },
		{ "SET_SIGNAL_MASK: unmapped", 0, FD_VCPU, KVM_SET_SIGNAL_MASK, PTR_UNMAPPED,
		  EFAULT },
		{ "SET_SIGNAL_MASK: none", 0, FD_VCPU, KVM_SET_SIGNAL_MASK, PTR_NULL, 0 },
		{ "SET_SIGNAL_MASK", 0, FD_VCPU, KVM_SET_SIGNAL_MASK, PTR(&set), 0 },
	};
	sigset_t blocked, pending;
	struct machine m;

	machine_open(&m, 0);
	rows_run(&m, rows, ROW_COUNT(rows));
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGALRM);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	machine_call(&m, guest_spin, 0, 0);
	alarm_in(50);
	tap_errno(machine_run(&m), EINTR, "a signal that only KVM_RUN lets in: EINTR");
	sigpending(&pending);
	tap_ok(sigismember(&pending, SIGALRM), "and it is still pending outside");
	sigprocmask(SIG_UNBLOCK, &blocked, NULL);
	machine_close(&m);
}

static void *run_spinning(void *arg)
{
	struct machine *m = arg;
	static long ret;

	ret = machine_run(m);
	return &ret;
}

/* immediate_exit and a signal: the way out that loses no race, from another thread. */
static void kick(void)
{
	struct machine m;
	pthread_t thread;
	void *ret;

	machine_open(&m, 0);
	machine_call(&m, guest_spin, 0, 0);
	alarm_in(0);
	pthread_create(&thread, NULL, run_spinning, &m);
	usleep(20000);
	m.run->immediate_exit = 1;
	pthread_kill(thread, SIGALRM);
	pthread_join(thread, &ret);
	tap_errno(*(long *)ret, EINTR, "a kick from another thread: EINTR");
	machine_close(&m);
}

void test_run(void)
{
	before_init();
	immediate();
	signals(guest_spin, "a spinning guest");
	signals(guest_wfi, "a guest in WFI");
	kick();
	signal_mask();
	mappings();
	mapping_outlives();
	hostile_run_page();
}
