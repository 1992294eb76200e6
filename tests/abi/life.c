// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Lives of VMs: several at once, many in a row, fds closed early, other processes. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "groups.h"
#include "guest.h"
#include "rows.h"
#include "tap.h"

#define AT_ONCE 64

/* Runs @body in a child and returns what it returned, as an exit status. */
static int in_child(int (*body)(struct machine *), struct machine *m)
{
	int status;
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child == 0)
		_exit(body(m));
	if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

/* Bit n of the status: row n did not give EIO. */
static int foreign_calls(struct machine *m)
{
	static uint64_t value;
	static struct kvm_one_reg one = { .id = REG_PC };
	struct kvm_userspace_memory_region region = { .slot = 7 };

	one.addr = (uintptr_t)&value;
	return (call(m->vm, KVM_CHECK_EXTENSION, KVM_CAP_USER_MEMORY) != -EIO) << 0 |
	       (call(m->vm, KVM_CREATE_VCPU, 5) != -EIO) << 1 |
	       (call(m->vm, KVM_SET_USER_MEMORY_REGION, PTR(&region)) != -EIO) << 2 |
	       (call(m->vcpu, KVM_RUN, 0) != -EIO) << 3 |
	       (call(m->vcpu, KVM_GET_ONE_REG, PTR(&one)) != -EIO) << 4 |
	       (call(m->vcpu, KVM_SET_ONE_REG, PTR(&one)) != -EIO) << 5 |
	       (call(m->vm, _IO(KVMIO, 0xfe), 0) != -EIO) << 6;
}

static int own_vm(struct machine *m)
{
	struct machine mine;
	uint64_t value;

	(void)m;
	machine_open(&mine, 0);
	return !machine_finishes(&mine, guest_str, CODE_GPA + PAGE, 9, &value) || value != 9;
}

static void other_process(void)
{
	static const char *const rows[] = {
		"CHECK_EXTENSION on a VM",
		"CREATE_VCPU",
		"SET_USER_MEMORY_REGION",
		"RUN",
		"GET_ONE_REG",
		"SET_ONE_REG",
		"an unknown ioctl",
	};
	struct machine m;
	int wrong;

	machine_open(&m, 0);
	wrong = in_child(foreign_calls, &m);
	for (unsigned int i = 0; i < ROW_COUNT(rows); i++)
		tap_ok(wrong >= 0 && !(wrong >> i & 1), "from another process: %s is EIO", rows[i]);
	tap_ok(in_child(own_vm, &m) == 0, "another process makes a VM of its own");
	tap_ok(machine_finishes(&m, guest_str, CODE_GPA + PAGE, 1, NULL),
	       "the first one's VM is as it was");
	machine_close(&m);
}

/* The memory of a VM goes while a child still holds its fds. */
static int hold(struct machine *m)
{
	(void)m;
	usleep(300000);
	return call(m->vcpu, KVM_RUN, 0) != -EIO;
}

static int make_and_die(struct machine *unused)
{
	struct machine m;
	pid_t child;

	(void)unused;
	machine_open(&m, 0);
	machine_finishes(&m, guest_str, CODE_GPA + PAGE, 1, NULL);
	child = fork();
	if (child == 0)
		_exit(hold(&m));
	return child < 0;
}

static void early_close(void)
{
	struct machine m;
	uint64_t value;
	int copy;

	machine_open(&m, 0);
	copy = dup(m.vm);
	close(m.vm);
	m.vm = -1;
	tap_ok(machine_finishes(&m, guest_str, CODE_GPA + PAGE, 3, &value) && value == 3,
	       "a vCPU runs after one of two VM fds is closed");
	close(copy);
	tap_ok(machine_finishes(&m, guest_ldr, CODE_GPA + PAGE, 0, &value) && value == 3,
	       "and after the last one is");
	machine_close(&m);

	machine_open(&m, 0);
	close(m.vcpu);
	m.vcpu = -1;
	tap_errno(machine_slot(&m, TEST_SLOT, 0, TEST_GPA, PAGE, m.code), 0,
		  "a VM goes on after its vCPU's fd is closed");
	machine_close(&m);
	tap_ok(in_child(make_and_die, NULL) == 0, "a VM whose maker is gone, its fds not");
	usleep(400000);
}

static void in_a_row(void)
{
	const unsigned int rounds = env.full ? 1000 : 50;
	unsigned int good = 0;

	for (unsigned int i = 0; i < rounds; i++) {
		struct machine m;
		uint64_t value = 0;

		machine_open(&m, 0);
		good += machine_finishes(&m, guest_str, CODE_GPA + PAGE, i, &value) && value == i;
		machine_close(&m);
	}
	if (!tap_ok(good == rounds, "%u VMs one after the other", rounds))
		tap_note("%u were good", good);
}

/* Each has its own memory at the same address, and its own registers. */
static void at_once(void)
{
	static struct machine m[AT_ONCE];
	bool pass = true;

	for (unsigned int i = 0; i < AT_ONCE; i++)
		machine_open(&m[i], 0);
	for (unsigned int i = 0; i < AT_ONCE; i++)
		pass = pass && machine_finishes(&m[i], guest_str, CODE_GPA + PAGE, i + 1, NULL);
	tap_ok(pass, "%d VMs at once run", AT_ONCE);
	for (unsigned int round = 0; round < 2; round++) {
		for (unsigned int i = 0; i < AT_ONCE; i++) {
			uint64_t value = 0;

			pass = pass &&
			       machine_finishes(&m[i], guest_ldr, CODE_GPA + PAGE, 0, &value) &&
			       value == i + 1;
		}
	}
	tap_ok(pass, "and each reads what it wrote, not what another did");
	for (unsigned int i = 0; i < AT_ONCE; i += 2)
		machine_close(&m[i]);
	for (unsigned int i = 1; i < AT_ONCE; i += 2) {
		uint64_t value = 0;

		pass = pass && machine_finishes(&m[i], guest_ldr, CODE_GPA + PAGE, 0, &value) &&
		       value == i + 1;
		machine_close(&m[i]);
	}
	tap_ok(pass, "also after every second is gone");
}

static void *count(void *arg)
{
	struct machine *m = arg;
	uintptr_t good = 0;

	for (uint64_t i = 0; i < 200; i++) {
		uint64_t value;

		good += machine_finishes(m, guest_ldadd, CODE_GPA + PAGE, 1, &value) && value == i;
	}
	return (void *)good;
}

static void in_parallel(void)
{
	struct machine m[2];
	pthread_t threads[2];
	bool pass = true;

	for (unsigned int i = 0; i < 2; i++) {
		machine_open(&m[i], MACHINE_MMU);
		pthread_create(&threads[i], NULL, count, &m[i]);
	}
	for (unsigned int i = 0; i < 2; i++) {
		void *good;

		pthread_join(threads[i], &good);
		pass = pass && (uintptr_t)good == 200;
		machine_close(&m[i]);
	}
	tap_ok(pass, "two VMs run in two threads");
}

static void *run_until_killed(void *arg)
{
	machine_run(arg);
	return NULL;
}

/* Ends itself with a vCPU in the guest; nothing may be left (the host's checks see to it). */
static int exit_in_mid_run(struct machine *unused)
{
	static struct machine m;
	pthread_t thread;

	(void)unused;
	machine_open(&m, 0);
	machine_call(&m, guest_spin, 0, 0);
	pthread_create(&thread, NULL, run_until_killed, &m);
	usleep(20000);
	return 0;
}

void test_life(void)
{
	other_process();
	early_close();
	at_once();
	in_parallel();
	in_a_row();
	tap_ok(in_child(exit_in_mid_run, NULL) == 0, "a process that exits with its vCPU running");
}
