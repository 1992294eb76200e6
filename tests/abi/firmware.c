// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The firmware that a guest finds beyond PSCI_VERSION and what the filter does: docs/abi.md
 * section 11, 5.4 and the firmware registers of 2.6. And the ends of a vCPU that are not the
 * guest's wish.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "groups.h"
#include "guest.h"
#include "rows.h"
#include "tap.h"

#define NOT_SUPPORTED	   ((uint64_t)-1)
#define INVALID_PARAMETERS ((uint64_t)-2)
#define PSCI		   (1U << KVM_ARM_VCPU_PSCI_0_2)
#define FW(n)		   (KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_FW | (n))

#define RESET2	0xc4000012UL
#define OFF2	0xc4000015UL
#define SUSPEND 0xc400000eUL

/* Calls with one argument, and x0 to x3 after them; ANY where the call says nothing. */
#define ANY 0x5a5a5a5aUL

static const struct call_row {
	const char *name;
	const void *snippet;
	uint64_t function, argument;
	uint64_t x[4];
	bool ours; /* mainline takes it */
} rows[] = {
	{ "MIGRATE_INFO_TYPE", guest_hvc, 0x84000006, 0, { 2 } },
	{ "PSCI_FEATURES of SYSTEM_RESET2", guest_hvc, 0x8400000a, RESET2, { 0 } },
	{ "PSCI_FEATURES of SYSTEM_OFF2: HIBERNATE_OFF", guest_hvc, 0x8400000a, OFF2, { 1 } },
	{ "PSCI_FEATURES of MIGRATE", guest_hvc, 0x8400000a, 0x84000005, { NOT_SUPPORTED } },
	{ "SYSTEM_OFF2 of another type", guest_hvc, OFF2, 2, { INVALID_PARAMETERS } },
	{ "ARCH_FEATURES of PV_TIME_FEATURES", guest_hvc, 0x80000001, 0xc5000020, { 0 } },
	{ "ARCH_FEATURES of what is none", guest_hvc, 0x80000001, 0x80007fff, { NOT_SUPPORTED } },
	{ "PV_TIME_FEATURES without a place",
	  guest_hvc,
	  0xc5000020,
	  0xc5000021,
	  { NOT_SUPPORTED } },
	{ "TRNG_VERSION", guest_hvc, 0x84000050, 0, { 0x10000 } },
	{ "TRNG_FEATURES of RND64", guest_hvc, 0x84000051, 0xc4000053, { 0 } },
	{ "TRNG_FEATURES of what is none", guest_hvc, 0x84000051, 0x84000054, { NOT_SUPPORTED } },
	{ "RND64 of 192 bits", guest_hvc, 0xc4000053, 192, { 0, ANY, ANY, ANY } },
	{ "RND64 of 8 bits", guest_hvc, 0xc4000053, 8, { 0, 0, 0, ANY } },
	{ "RND64 of 193 bits", guest_hvc, 0xc4000053, 193, { INVALID_PARAMETERS } },
	{ "RND64 of none", guest_hvc, 0xc4000053, 0, { INVALID_PARAMETERS }, true },
	{ "RND32 of 96 bits", guest_hvc, 0x84000053, 96, { 0, ANY, ANY, ANY } },
	{ "RND32 of 97 bits", guest_hvc, 0x84000053, 97, { INVALID_PARAMETERS } },
	{ "KVM's UID",
	  guest_hvc,
	  0x8600ff01,
	  0,
	  { 0xb66fb428, 0xe911c52e, 0x564bcaa9, 0x743a004d } },
	{ "KVM's features", guest_hvc, 0x86000000, 0, { 3 } },
	{ "SMC #1", guest_smc_1, 0x84000000, 0, { NOT_SUPPORTED, 0, 0x22, 0x33 } },
};

/* PC stands at the store that ends the snippet, and the registers are as the call left them. */
static void run_row(struct machine *m, const struct call_row *row)
{
	bool pass, found;

	if (row->ours && !env.tsr) {
		tap_skip(env_lacks(NEED_TSR), "SMCCC: %s", row->name);
		return;
	}
	machine_call(m, row->snippet, row->function, row->argument);
	machine_set(m, REG_X(2), 0x22);
	machine_set(m, REG_X(3), 0x33);
	pass = machine_run(m) == 0 && machine_done(m, NULL);
	for (unsigned int i = 0; i < 4 && pass; i++) {
		uint64_t value = machine_get(m, REG_X(i));

		/* The snippet ends with x0 in x1. */
		found = row->x[i] == ANY || i == 1 || value == row->x[i];
		if (!found)
			tap_note("x%u is %#llx", i, (unsigned long long)value);
		pass = found;
	}
	tap_ok(pass, "SMCCC: %s", row->name);
}

/* CLOCK_REALTIME in nanoseconds, its upper word first. */
static void ptp(struct machine *m)
{
	struct timespec now;
	uint64_t high = 0, told, here;

	machine_finishes(m, guest_hvc, 0x86000001, 0, &high);
	clock_gettime(CLOCK_REALTIME, &now);
	here = (uint64_t)now.tv_sec * 1000000000UL + (uint64_t)now.tv_nsec;
	/* x1 went under the result; a unit of x0 is four seconds. */
	told = high << 32;
	tap_ok(told <= here && here - told < 60000000000UL, "PTP: the host's time");
	tap_ok(machine_get(m, REG_X(2)) >> 32 == 0 && machine_get(m, REG_X(3)) >> 32 == 0 &&
		       machine_get(m, REG_X(3)),
	       "and the counter");
	machine_finishes(m, guest_hvc, 0x86000001, 2, &high);
	tap_ok(high == NOT_SUPPORTED, "PTP: of a counter that is none");
}

/* CPU_SUSPEND waits as WFI does: an SError that is pending ends it. */
static void cpu_suspend(struct machine *m)
{
	const struct kvm_vcpu_events serror = { .exception.serror_pending = 1 };
	uint64_t value = 1;

	machine_call(m, guest_hvc, 0xc4000001, 0);
	alarm_in(50);
	tap_errno(machine_run(m), EINTR, "CPU_SUSPEND waits: EINTR");
	alarm_in(0);
	tap_ok(machine_run(m) == 0 && machine_done(m, &value) && !value,
	       "and has succeeded after it");
	call(m->vcpu, KVM_SET_VCPU_EVENTS, PTR(&serror));
	alarm_in(5000);
	tap_ok(machine_finishes(m, guest_hvc, 0xc4000001, 0, &value) && !value,
	       "with an SError pending it does not wait");
	alarm_in(0);
}

/* --- What ends all of a VM. --- */

static const struct event_row {
	const char *name;
	uint64_t function, argument;
	uint32_t type;
	uint64_t data;
} events[] = {
	{ "SYSTEM_OFF", 0x84000008, 0, KVM_SYSTEM_EVENT_SHUTDOWN, 0 },
	{ "SYSTEM_RESET", 0x84000009, 0, KVM_SYSTEM_EVENT_RESET, 0 },
	{ "SYSTEM_RESET2", RESET2, 0, KVM_SYSTEM_EVENT_RESET, 1 },
	{ "SYSTEM_OFF2", OFF2, 1, KVM_SYSTEM_EVENT_SHUTDOWN, 1 },
	{ "SYSTEM_OFF2 of 0, which is HIBERNATE_OFF", OFF2, 0, KVM_SYSTEM_EVENT_SHUTDOWN, 1 },
};

static uint32_t mp_state(const struct machine *m)
{
	struct kvm_mp_state state = { .mp_state = 99 };

	call(m->vcpu, KVM_GET_MP_STATE, PTR(&state));
	return state.mp_state;
}

static long init_again(struct machine *m)
{
	const struct kvm_vcpu_init init = { .target = KVM_ARM_TARGET_GENERIC_V8,
					    .features = { PSCI } };

	return call(m->vcpu, KVM_ARM_VCPU_INIT, PTR(&init));
}

static void system_event(const struct event_row *row)
{
	struct machine m, other;
	long ret;

	machine_open(&m, 0);
	machine_second(&other, &m, 0);
	machine_call(&m, guest_hvc, row->function, row->argument);
	ret = machine_run(&m);
	if (!tap_ok(ret == 0 && m.run->exit_reason == KVM_EXIT_SYSTEM_EVENT &&
			    m.run->system_event.type == row->type &&
			    m.run->system_event.ndata == 1 &&
			    m.run->system_event.data[0] == row->data,
		    "%s: KVM_EXIT_SYSTEM_EVENT", row->name))
		machine_explain(&m, ret);
	tap_ok(mp_state(&m) == KVM_MP_STATE_STOPPED && mp_state(&other) == KVM_MP_STATE_STOPPED,
	       "%s: all vCPUs are stopped", row->name);
	tap_errno(init_again(&m), 0, "%s: ARM_VCPU_INIT", row->name);
	machine_set(&m, REG_VBAR_EL1, CODE_GPA);
	tap_ok(machine_finishes(&m, guest_ldr, CODE_GPA, 0, NULL), "%s: and it runs", row->name);
	machine_close(&other);
	machine_close(&m);
}

/* --- Firmware registers. --- */

static long fw_set(struct machine *m, uint64_t id, uint64_t value)
{
	struct kvm_one_reg one = { .id = id, .addr = PTR(&value) };

	return call(m->vcpu, KVM_SET_ONE_REG, PTR(&one));
}

/* What came with which PSCI is there from there on. */
static const struct version_row {
	uint64_t version;
	uint64_t features, suspend, reset2, off2; /* PSCI_FEATURES of them; the first of itself */
} versions[] = {
	{ 0x2, NOT_SUPPORTED, NOT_SUPPORTED, NOT_SUPPORTED, NOT_SUPPORTED },
	{ 0x10000, 0, 0, NOT_SUPPORTED, NOT_SUPPORTED },
	{ 0x10001, 0, 0, 0, NOT_SUPPORTED },
	{ 0x10002, 0, 0, 0, NOT_SUPPORTED },
	{ 0x10003, 0, 0, 0, 1 },
};

static bool has(struct machine *m, uint64_t function, uint64_t want)
{
	uint64_t value = 99;

	if (machine_finishes(m, guest_hvc, 0x8400000a, function, &value) && value == want)
		return true;
	tap_note("PSCI_FEATURES of %#llx: %#llx", (unsigned long long)function,
		 (unsigned long long)value);
	return false;
}

static void psci_versions(void)
{
	for (unsigned int i = 0; i < ROW_COUNT(versions); i++) {
		const struct version_row *row = &versions[i];
		struct machine m, other;
		uint64_t value = 0;

		machine_open(&m, 0);
		machine_cap(&m, KVM_CAP_ARM_SYSTEM_SUSPEND);
		machine_second(&other, &m, 0);
		tap_errno(fw_set(&m, KVM_REG_ARM_PSCI_VERSION, row->version), 0, "PSCI %#x",
			  (unsigned int)row->version);
		tap_ok(machine_get(&other, KVM_REG_ARM_PSCI_VERSION) == row->version,
		       "of all vCPUs");
		tap_ok(machine_finishes(&m, guest_hvc, 0x84000000, 0, &value) &&
			       value == row->version,
		       "the guest is told so");
		tap_ok(has(&m, 0x8400000a, row->features) && has(&m, SUSPEND, row->suspend) &&
			       has(&m, RESET2, row->reset2) && has(&m, OFF2, row->off2),
		       "and has the functions that came with it, no others");
		machine_close(&other);
		machine_close(&m);
	}
}

static void firmware_registers(void)
{
	static const uint64_t bad[] = { 0, 1, 3, 0x10004, 0x20000, 1UL << 32 };
	static const uint64_t workarounds[] = { KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_1,
						KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_3 };
	struct machine m;
	uint64_t value;

	machine_open(&m, 0);
	for (unsigned int i = 0; i < ROW_COUNT(bad); i++)
		tap_errno(fw_set(&m, KVM_REG_ARM_PSCI_VERSION, bad[i]), EINVAL, "PSCI %#llx",
			  (unsigned long long)bad[i]);
	for (unsigned int i = 0; i < ROW_COUNT(workarounds); i++) {
		value = machine_get(&m, workarounds[i]);
		tap_ok(value == 0 || value == 2, "a workaround is not there, or not required");
		tap_errno(fw_set(&m, workarounds[i], 0), 0, "less of it is accepted");
		tap_errno(fw_set(&m, workarounds[i], 3), EINVAL, "a value that is none");
		tap_ok(machine_get(&m, workarounds[i]) == value, "without effect");
	}
	tap_ok(machine_get(&m, KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_2) == 0, "workaround 2 is 0");
	if (env.tsr)
		tap_errno(fw_set(&m, KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_2, 1), EINVAL,
			  "and nothing else");
	else
		tap_skip(env_lacks(NEED_TSR), "and nothing else");
	machine_close(&m);
}

/* --- Stolen time. --- */

#define PLACE(at) \
	PTR(&(const struct kvm_device_attr){ .group = KVM_ARM_VCPU_PVTIME_CTRL, .addr = PTR(at) })

static void stolen_time(void)
{
	static const uint64_t at = TEST_GPA + PAGE;
	uint8_t *memory = memory_anon(2 * PAGE);
	uint64_t bits = ~0UL, told = 0;
	struct kvm_dirty_log log = { .slot = TEST_SLOT, .dirty_bitmap = &bits };
	struct machine m;

	machine_open(&m, 0);
	machine_slot(&m, TEST_SLOT, KVM_MEM_READONLY, TEST_GPA, 2 * PAGE, memory);
	tap_errno(call(m.vcpu, KVM_GET_DEVICE_ATTR, PLACE(&told)), 0, "stolen time: get");
	tap_ok(told == ~0UL, "all ones: it has no place");
	tap_errno(call(m.vcpu, KVM_SET_DEVICE_ATTR, PLACE(&at)), EINVAL,
		  "stolen time: in a READONLY slot");
	machine_slot(&m, TEST_SLOT, 0, 0, 0, NULL);
	machine_slot(&m, TEST_SLOT, KVM_MEM_LOG_DIRTY_PAGES, TEST_GPA, 2 * PAGE, memory);
	tap_errno(call(m.vcpu, KVM_SET_DEVICE_ATTR, PLACE(&at)), 0, "stolen time: in a logged one");
	call(m.vcpu, KVM_GET_DEVICE_ATTR, PLACE(&told));
	tap_ok(told == at, "its place");
	tap_ok(machine_finishes(&m, guest_hvc, 0xc5000020, 0xc5000021, &told) && !told,
	       "PV_TIME_FEATURES has PV_TIME_ST");
	tap_ok(machine_finishes(&m, guest_hvc, 0xc5000021, 0, &told) && told == at,
	       "the guest asks for it");
	machine_finishes(&m, guest_ldr, CODE_GPA, 0, NULL);
	tap_errno(call(m.vm, KVM_GET_DIRTY_LOG, PTR(&log)), 0, "the slot's log");
	tap_ok(bits == 2, "has the page of it, and no other");
	machine_close(&m);
	munmap(memory, 2 * PAGE);
}

/* --- Ends that nobody asked for. --- */

static void aarch32(void)
{
	static const uint32_t branch_to_itself = 0xeafffffe; /* of A32 */
	const char *what = "a guest at EL0 in AArch32: KVM_EXIT_FAIL_ENTRY";
	struct machine m;
	long ret;

	machine_open(&m, 0);
	memcpy(m.code + PAGE, &branch_to_itself, sizeof(branch_to_itself));
	__builtin___clear_cache((char *)m.code + PAGE, (char *)m.code + 2 * PAGE);
	machine_call(&m, guest_aarch32, CODE_GPA + PAGE, 0);
	alarm_in(1000);
	ret = machine_run(&m);
	alarm_in(0);
	if (ret == 0 && machine_done(&m, NULL)) {
		tap_skip("this CPU has no AArch32", what);
	} else {
		if (!tap_ok(ret == 0 && m.run->exit_reason == KVM_EXIT_FAIL_ENTRY, "%s", what))
			machine_explain(&m, ret);
		tap_errno(machine_run(&m), ENOEXEC, "from which it does not go on: ENOEXEC");
		tap_errno(init_again(&m), 0, "but for ARM_VCPU_INIT");
		machine_set(&m, REG_VBAR_EL1, CODE_GPA);
		tap_ok(machine_finishes(&m, guest_ldr, CODE_GPA, 0, NULL), "and runs then");
	}
	machine_close(&m);
}

void test_firmware(void)
{
	struct machine m;

	if (!env.recent) {
		tap_skip(env_lacks(NEED_RECENT), "firmware");
		return;
	}
	machine_open(&m, 0);
	for (unsigned int i = 0; i < ROW_COUNT(rows); i++)
		run_row(&m, &rows[i]);
	ptp(&m);
	cpu_suspend(&m);
	machine_close(&m);
	for (unsigned int i = 0; i < ROW_COUNT(events); i++)
		system_event(&events[i]);
	psci_versions();
	firmware_registers();
	stolen_time();
	if (env.tsr)
		aarch32();
	else
		tap_skip("mainline lets EL0 be in AArch32", "a guest at EL0 in AArch32");
}
