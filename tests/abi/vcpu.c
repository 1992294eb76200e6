// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* A vCPU apart from running: initialisation, power state, events, calls by HVC. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <sys/mman.h>

#include "groups.h"
#include "guest.h"
#include "rows.h"
#include "tap.h"

#define PSCI	  (1U << KVM_ARM_VCPU_PSCI_0_2)
#define POWER_OFF (1U << KVM_ARM_VCPU_POWER_OFF)
#define CPU_ON	  0xc4000003UL
#define GENERIC	  KVM_ARM_TARGET_GENERIC_V8

#define INIT(target_, ...) \
	PTR(&(const struct kvm_vcpu_init){ .target = (target_), .features = { __VA_ARGS__ } })

/* Each on a vCPU of its own. */
static const struct row init_rows[] = {
	{ "NULL", 0, FD_VCPU, KVM_ARM_VCPU_INIT, PTR_NULL, EFAULT },
	{ "unmapped", 0, FD_VCPU, KVM_ARM_VCPU_INIT, PTR_UNMAPPED, EFAULT },
	{ "a kernel address", 0, FD_VCPU, KVM_ARM_VCPU_INIT, PTR_KERNEL, EFAULT },
	{ "no features", 0, FD_VCPU, KVM_ARM_VCPU_INIT, INIT(GENERIC, 0), 0 },
	{ "PSCI_0_2", 0, FD_VCPU, KVM_ARM_VCPU_INIT, INIT(GENERIC, PSCI), 0 },
	{ "POWER_OFF", 0, FD_VCPU, KVM_ARM_VCPU_INIT, INIT(GENERIC, POWER_OFF | PSCI), 0 },
	{ "target 0", 0, FD_VCPU, KVM_ARM_VCPU_INIT, INIT(0, PSCI), EINVAL },
	{ "target 6", 0, FD_VCPU, KVM_ARM_VCPU_INIT, INIT(GENERIC + 1, PSCI), EINVAL },
	{ "target -1", 0, FD_VCPU, KVM_ARM_VCPU_INIT, INIT(~0U, PSCI), EINVAL },
	{ "EL1_32BIT", NEED_TSR, FD_VCPU, KVM_ARM_VCPU_INIT,
	  INIT(GENERIC, PSCI | 1U << KVM_ARM_VCPU_EL1_32BIT), EINVAL },
	{ "PMU_V3", NEED_TSR, FD_VCPU, KVM_ARM_VCPU_INIT,
	  INIT(GENERIC, PSCI | 1U << KVM_ARM_VCPU_PMU_V3), EINVAL },
	{ "SVE", NEED_TSR, FD_VCPU, KVM_ARM_VCPU_INIT, INIT(GENERIC, PSCI | 1U << KVM_ARM_VCPU_SVE),
	  EINVAL },
	{ "HAS_EL2", NEED_TSR, FD_VCPU, KVM_ARM_VCPU_INIT, INIT(GENERIC, PSCI | 1U << 7), EINVAL },
	{ "pointer authentication of addresses alone", 0, FD_VCPU, KVM_ARM_VCPU_INIT,
	  INIT(GENERIC, PSCI | 1U << KVM_ARM_VCPU_PTRAUTH_ADDRESS), EINVAL },
	{ "feature 9, unknown", 0, FD_VCPU, KVM_ARM_VCPU_INIT, INIT(GENERIC, PSCI | 1U << 9),
	  ENOENT },
	{ "feature 31, unknown", 0, FD_VCPU, KVM_ARM_VCPU_INIT, INIT(GENERIC, PSCI | 1U << 31),
	  ENOENT },
	{ "feature 32, unknown", 0, FD_VCPU, KVM_ARM_VCPU_INIT, INIT(GENERIC, PSCI, 1), ENOENT },
	{ "feature 223, unknown", 0, FD_VCPU, KVM_ARM_VCPU_INIT,
	  INIT(GENERIC, PSCI, 0, 0, 0, 0, 0, 1U << 31), ENOENT },
};

static void init(void)
{
	for (unsigned int i = 0; i < ROW_COUNT(init_rows); i++) {
		struct machine m;
		struct row row = init_rows[i];
		char name[80] = "ARM_VCPU_INIT: ";

		row.name = strncat(name, row.name, sizeof(name) - strlen(name) - 1);
		machine_open(&m, MACHINE_NO_VCPU);
		m.vcpu = (int)call(m.vm, KVM_CREATE_VCPU, 0);
		row_run(m.vcpu, &row);
		machine_close(&m);
	}
}

static long init_again(struct machine *m, uint32_t features)
{
	return call(m->vcpu, KVM_ARM_VCPU_INIT, INIT(GENERIC, features));
}

static void reset(void)
{
	struct machine m;
	long second;

	machine_open(&m, 0);
	machine_set(&m, REG_X(5), 0x55);
	machine_set(&m, REG_TPIDR_EL1, 0x66);
	machine_finishes(&m, guest_str, CODE_GPA + PAGE, 1, NULL);
	tap_errno(init_again(&m, PSCI), 0, "ARM_VCPU_INIT again: the same features");
	tap_ok(machine_get(&m, REG_X(5)) == 0 && machine_get(&m, REG_PC) == 0 &&
		       machine_get(&m, REG_PSTATE) == 0x3c5,
	       "and resets: x5, PC and PSTATE");
	tap_ok(!(machine_get(&m, REG_SCTLR_EL1) & 1), "and SCTLR_EL1.M");
	tap_errno(init_again(&m, 0), EINVAL, "ARM_VCPU_INIT again: fewer features");
	tap_errno(init_again(&m, PSCI), 0, "a vCPU refused a change is still good");
	machine_set(&m, REG_VBAR_EL1, CODE_GPA);
	tap_ok(machine_finishes(&m, guest_str, CODE_GPA + PAGE, 1, NULL), "and runs");
	second = call(m.vm, KVM_CREATE_VCPU, 1);
	tap_errno(call((int)second, KVM_ARM_VCPU_INIT, INIT(GENERIC, 0)), EINVAL,
		  "a second vCPU with other features");
	tap_errno(call((int)second, KVM_ARM_VCPU_INIT, INIT(GENERIC, PSCI | POWER_OFF)), 0,
		  "a second vCPU that starts powered off");
	close((int)second);
	machine_close(&m);
}

/* A vCPU that is off waits in KVM_RUN; a signal ends it. */
static void power_off(void)
{
	struct machine m;

	machine_open(&m, 0);
	init_again(&m, PSCI | POWER_OFF);
	machine_set(&m, REG_PC, machine_snippet(guest_str));
	machine_set(&m, REG_X(0), MMIO_GPA);
	alarm_in(50);
	tap_errno(machine_run(&m), EINTR, "a vCPU that is powered off waits: EINTR");
	tap_ok(machine_get(&m, REG_PC) == machine_snippet(guest_str), "and executes nothing");
	init_again(&m, PSCI);
	machine_set(&m, REG_VBAR_EL1, CODE_GPA);
	tap_ok(machine_finishes(&m, guest_str, CODE_GPA + PAGE, 1, NULL),
	       "ARM_VCPU_INIT without POWER_OFF powers it on");
	machine_close(&m);
}

/* PSCI, CPU_ON; api.rst 4.68: what the VMM reads of a vCPU that was turned on and has not run. */
static void powered_on_unseen(void)
{
	struct kvm_vcpu_init init = { .features = { PSCI | POWER_OFF } };
	struct machine m, other;
	uint64_t value = 99;

	machine_open(&m, 0);
	other = m;
	other.vcpu = (int)call(m.vm, KVM_CREATE_VCPU, 1);
	init.target = KVM_ARM_TARGET_GENERIC_V8;
	tap_errno(call(other.vcpu, KVM_ARM_VCPU_INIT, PTR(&init)), 0, "a second vCPU, off");
	other.run = memory_map(PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, other.vcpu);
	machine_call(&m, guest_hvc, CPU_ON, 1);
	machine_set(&m, REG_X(2), CODE_GPA + 0x40);
	machine_set(&m, REG_X(3), 0x1234);
	machine_run(&m);
	tap_ok(machine_done(&m, &value) && !value, "CPU_ON of it succeeds");
	tap_ok(machine_get(&other, REG_PC) == CODE_GPA + 0x40, "its PC is the entry point");
	tap_ok(machine_get(&other, REG_X(0)) == 0x1234, "its x0 is the context");
	machine_set(&other, REG_X(0), 0x5678);
	other.run->immediate_exit = 1;
	tap_errno(machine_run(&other), EINTR, "it runs, to exit at once");
	other.run->immediate_exit = 0;
	tap_ok(machine_get(&other, REG_X(0)) == 0x5678, "and keeps what the VMM set");
	munmap(other.run, PAGE);
	close(other.vcpu);
	machine_close(&m);
}

static long mp_state(struct machine *m, uint32_t state)
{
	struct kvm_mp_state value = { .mp_state = state };

	return call(m->vcpu, KVM_SET_MP_STATE, PTR(&value));
}

static void mp_states(void)
{
	struct kvm_mp_state value = { .mp_state = 99 };
	struct machine m;

	machine_open(&m, 0);
	tap_errno(call(m.vcpu, KVM_GET_MP_STATE, PTR(&value)), 0, "GET_MP_STATE");
	tap_ok(value.mp_state == KVM_MP_STATE_RUNNABLE, "a vCPU is runnable");
	tap_errno(call(m.vcpu, KVM_GET_MP_STATE, PTR_NULL), EFAULT, "GET_MP_STATE: NULL");
	tap_errno(call(m.vcpu, KVM_SET_MP_STATE, PTR_NULL), EFAULT, "SET_MP_STATE: NULL");
	tap_errno(mp_state(&m, KVM_MP_STATE_HALTED), EINVAL, "SET_MP_STATE: HALTED");
	tap_errno(mp_state(&m, 99), EINVAL, "SET_MP_STATE: 99");
	tap_errno(mp_state(&m, KVM_MP_STATE_STOPPED), 0, "SET_MP_STATE: STOPPED");
	call(m.vcpu, KVM_GET_MP_STATE, PTR(&value));
	tap_ok(value.mp_state == KVM_MP_STATE_STOPPED, "and it is stopped");
	machine_set(&m, REG_PC, machine_snippet(guest_spin));
	alarm_in(50);
	tap_errno(machine_run(&m), EINTR, "a stopped vCPU waits: EINTR");
	tap_errno(mp_state(&m, KVM_MP_STATE_RUNNABLE), 0, "SET_MP_STATE: RUNNABLE");
	tap_ok(machine_finishes(&m, guest_str, CODE_GPA + PAGE, 1, NULL), "and it runs");
	machine_close(&m);
}

static const struct kvm_vcpu_events read_only_events;

static const struct row event_rows[] = {
	{ "GET_VCPU_EVENTS: NULL", 0, FD_VCPU, KVM_GET_VCPU_EVENTS, PTR_NULL, EFAULT },
	{ "GET_VCPU_EVENTS: a read-only page", 0, FD_VCPU, KVM_GET_VCPU_EVENTS,
	  PTR(&read_only_events), EFAULT },
	{ "SET_VCPU_EVENTS: NULL", 0, FD_VCPU, KVM_SET_VCPU_EVENTS, PTR_NULL, EFAULT },
	{ "SET_VCPU_EVENTS: unmapped", 0, FD_VCPU, KVM_SET_VCPU_EVENTS, PTR_UNMAPPED, EFAULT },
	{ "SET_VCPU_EVENTS: pad", 0, FD_VCPU, KVM_SET_VCPU_EVENTS,
	  PTR(&(const struct kvm_vcpu_events){ .exception.pad[4] = 1 }), EINVAL },
	{ "SET_VCPU_EVENTS: reserved", 0, FD_VCPU, KVM_SET_VCPU_EVENTS,
	  PTR(&(const struct kvm_vcpu_events){ .reserved[11] = 1 }), EINVAL },
	{ "SET_VCPU_EVENTS: nothing", 0, FD_VCPU, KVM_SET_VCPU_EVENTS, PTR(&read_only_events), 0 },
};

static long set_events(struct machine *m, struct kvm_vcpu_events events)
{
	return call(m->vcpu, KVM_SET_VCPU_EVENTS, PTR(&events));
}

static void events(void)
{
	struct kvm_vcpu_events now;
	struct machine m;
	bool esr;

	machine_open(&m, 0);
	rows_run(&m, event_rows, ROW_COUNT(event_rows));
	memset(&now, 0xff, sizeof(now));
	tap_errno(call(m.vcpu, KVM_GET_VCPU_EVENTS, PTR(&now)), 0, "GET_VCPU_EVENTS");
	tap_ok(!now.exception.serror_pending && !now.exception.ext_dabt_pending,
	       "nothing is pending at first");
	esr = call(m.vm, KVM_CHECK_EXTENSION, KVM_CAP_ARM_INJECT_SERROR_ESR) == 1;
	tap_errno(set_events(&m, (struct kvm_vcpu_events){ .exception = { .serror_pending = 1,
									  .serror_has_esr = 1 } }),
		  esr ? 0 : EINVAL, "SET_VCPU_EVENTS: serror_has_esr");
	tap_errno(set_events(&m, (struct kvm_vcpu_events){ .exception.serror_pending = 1 }), 0,
		  "SET_VCPU_EVENTS: serror_pending");
	call(m.vcpu, KVM_GET_VCPU_EVENTS, PTR(&now));
	tap_ok(now.exception.serror_pending == 1, "a pending SError is pending");
	tap_ok(machine_finishes(&m, guest_str, CODE_GPA + PAGE, 1, NULL),
	       "and masked while PSTATE.A is set");
	machine_close(&m);
}

/* SMCCC and PSCI by HVC as docs/abi.md 11 has them; x0 comes back. */
static const struct call_row {
	const char *name;
	unsigned int need;
	const void *snippet;
	uint64_t function;
	int64_t want;
} call_rows[] = {
	{ "PSCI_FEATURES of PSCI_VERSION", 0, guest_hvc, 0x8400000a, 0 },
	{ "SMCCC_VERSION", 0, guest_hvc, 0x80000000, 0x10001 },
	{ "SMCCC_VERSION by SMC", 0, guest_smc, 0x80000000, 0x10001 },
	{ "an unknown function by SMC", 0, guest_smc, 0xc600ff00, -1 },
	{ "an unknown PSCI function", 0, guest_hvc, 0x8400001f, -1 },
	{ "an unknown standard function", 0, guest_hvc, 0x8600ffff, -1 },
	{ "an unknown vendor function", 0, guest_hvc, 0xc600ff00, -1 },
	{ "function 0", 0, guest_hvc, 0, -1 },
	{ "all bits", 0, guest_hvc, 0xffffffff, -1 },
};

/* The firmware pseudo-register and the guest's call agree: 1.1 or a later 1.x. */
static void psci_version(struct machine *m)
{
	uint64_t version = machine_get(m, KVM_REG_ARM_PSCI_VERSION);
	uint64_t value = 0;
	bool done = machine_finishes(m, guest_hvc, 0x84000000, 0, &value);

	tap_ok(done && value == version, "HVC: PSCI_VERSION is what the VMM reads");
	tap_ok(version >> 16 == 1 && (version & 0xffff) >= 1, "PSCI is 1.1 or later");
}

static void calls(void)
{
	struct machine m;

	machine_open(&m, 0);
	psci_version(&m);
	for (unsigned int i = 0; i < ROW_COUNT(call_rows); i++) {
		const struct call_row *row = &call_rows[i];
		const char *lacks = env_lacks(row->need);
		uint64_t value = 99;
		bool done;

		if (lacks) {
			tap_skip(lacks, "SMCCC: %s", row->name);
			continue;
		}
		done = machine_finishes(&m, row->snippet, row->function, 0x84000000, &value);
		if (!tap_ok(done && value == (uint64_t)row->want, "SMCCC: %s", row->name))
			tap_note("done %d, x0 is %#llx", done, (unsigned long long)value);
	}
	machine_close(&m);
}

void test_vcpu(void)
{
	init();
	reset();
	power_off();
	powered_on_unseen();
	mp_states();
	events();
	calls();
}
