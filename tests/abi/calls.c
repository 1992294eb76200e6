// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * What the VMM chooses of the guest's SMCCC calls, and attributes of VMs and vCPUs: docs/abi.md
 * 2.8 and section 11.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "groups.h"
#include "guest.h"
#include "rows.h"
#include "tap.h"

#define FN_PSCI_VERSION 0x84000000U
#define FN_TRNG_VERSION 0x84000050U
#define FN_PV_TIME_ST	0xc5000021U
#define FN_VENDOR_UID	0x8600ff01U
#define FN_FEATURES	0x86000000U
#define FN_MEM_INFO	0xc6000002U
#define FN_MEM_SHARE	0xc6000003U
#define FN_MEM_UNSHARE	0xc6000004U
#define NOT_SUPPORTED	((uint64_t)-1)

#define FW_BMAP(n) (KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_FW_FEAT_BMAP | (n))

#define ATTR(g, a) PTR(&(const struct kvm_device_attr){ .group = (g), .attr = (a) })
#define ATTR_AT(g, a, at) \
	PTR(&(const struct kvm_device_attr){ .group = (g), .attr = (a), .addr = PTR(at) })
#define FILTER(...) ATTR_AT(0, 0, (&(const struct kvm_smccc_filter){ __VA_ARGS__ }))

static const uint64_t ipa_unaligned = CODE_GPA + 8, ipa_nowhere = 0x70000000, ipa = CODE_GPA + PAGE;

static const struct row rows[] = {
	{ "HAS_DEVICE_ATTR: the filter", 0, FD_VM, KVM_HAS_DEVICE_ATTR, ATTR(0, 0), 0 },
	{ "HAS_DEVICE_ATTR: another attribute", 0, FD_VM, KVM_HAS_DEVICE_ATTR, ATTR(0, 1), ENXIO },
	{ "HAS_DEVICE_ATTR: another group", 0, FD_VM, KVM_HAS_DEVICE_ATTR, ATTR(9, 0), ENXIO },
	{ "HAS_DEVICE_ATTR: NULL", 0, FD_VM, KVM_HAS_DEVICE_ATTR, PTR_NULL, EFAULT },
	{ "SET_DEVICE_ATTR: another group", 0, FD_VM, KVM_SET_DEVICE_ATTR, ATTR(9, 0), ENXIO },
	{ "SET_DEVICE_ATTR: NULL", 0, FD_VM, KVM_SET_DEVICE_ATTR, PTR_NULL, EFAULT },
	{ "GET_DEVICE_ATTR: the filter", NEED_TSR, FD_VM, KVM_GET_DEVICE_ATTR, ATTR(0, 0), ENXIO },
	{ "filter: NULL", 0, FD_VM, KVM_SET_DEVICE_ATTR, ATTR(0, 0), EFAULT },
	{ "filter: no function", 0, FD_VM, KVM_SET_DEVICE_ATTR, FILTER(.base = 0xc6000000),
	  EINVAL },
	{ "filter: a range that wraps", 0, FD_VM, KVM_SET_DEVICE_ATTR,
	  FILTER(.base = 0xffffffff, .nr_functions = 2), EINVAL },
	{ "filter: an unknown action", 0, FD_VM, KVM_SET_DEVICE_ATTR,
	  FILTER(.base = 0xc6000000, .nr_functions = 1, .action = 3), EINVAL },
	{ "filter: padding", 0, FD_VM, KVM_SET_DEVICE_ATTR,
	  FILTER(.base = 0xc6000000, .nr_functions = 1, .pad = { [14] = 1 }), EINVAL },
	{ "filter: a call of the architecture", 0, FD_VM, KVM_SET_DEVICE_ATTR,
	  FILTER(.base = 0x80008000, .nr_functions = 1, .action = 1), EEXIST },
	{ "filter: a range that reaches into them", 0, FD_VM, KVM_SET_DEVICE_ATTR,
	  FILTER(.base = 0x7fffffff, .nr_functions = 2, .action = 1), EEXIST },
	{ "filter: one function", 0, FD_VM, KVM_SET_DEVICE_ATTR,
	  FILTER(.base = 0xc6000010, .nr_functions = 16, .action = 2), 0 },
	{ "filter: part of it again", 0, FD_VM, KVM_SET_DEVICE_ATTR,
	  FILTER(.base = 0xc600001f, .nr_functions = 2, .action = 1), EEXIST },
	{ "HAS_DEVICE_ATTR: stolen time", 0, FD_VCPU, KVM_HAS_DEVICE_ATTR, ATTR(2, 0), 0 },
	{ "HAS_DEVICE_ATTR: another of that group", 0, FD_VCPU, KVM_HAS_DEVICE_ATTR, ATTR(2, 1),
	  ENXIO },
	{ "HAS_DEVICE_ATTR: another group of a vCPU", 0, FD_VCPU, KVM_HAS_DEVICE_ATTR, ATTR(9, 0),
	  ENXIO },
	{ "HAS_DEVICE_ATTR of a vCPU: NULL", 0, FD_VCPU, KVM_HAS_DEVICE_ATTR, PTR_NULL, EFAULT },
	{ "stolen time: NULL", 0, FD_VCPU, KVM_SET_DEVICE_ATTR, ATTR(2, 0), EFAULT },
	{ "stolen time: not of 64 bytes", 0, FD_VCPU, KVM_SET_DEVICE_ATTR,
	  ATTR_AT(2, 0, &ipa_unaligned), EINVAL },
	{ "stolen time: in no slot", 0, FD_VCPU, KVM_SET_DEVICE_ATTR, ATTR_AT(2, 0, &ipa_nowhere),
	  EINVAL },
	{ "stolen time", 0, FD_VCPU, KVM_SET_DEVICE_ATTR, ATTR_AT(2, 0, &ipa), 0 },
	{ "stolen time: set twice", 0, FD_VCPU, KVM_SET_DEVICE_ATTR, ATTR_AT(2, 0, &ipa), EEXIST },
};

static long bmap_set(struct machine *m, unsigned int n, uint64_t value)
{
	struct kvm_one_reg one = { .id = FW_BMAP(n), .addr = PTR(&value) };

	return call(m->vcpu, KVM_SET_ONE_REG, PTR(&one));
}

static bool answers(struct machine *m, uint32_t fn, uint64_t want)
{
	uint64_t value = 0;

	if (machine_finishes(m, guest_hvc, fn, 0, &value) && value == want)
		return true;
	tap_note("function %#x: x0 is %#llx", fn, (unsigned long long)value);
	return false;
}

/* Services come and go with their bits, until a vCPU has run. */
static void bitmaps(void)
{
	static const uint64_t first[] = { 1, 1, 3 }, beyond[] = { 2, 2, 4 };
	struct machine m;

	machine_open(&m, 0);
	for (unsigned int n = 0; n < 3; n++) {
		tap_ok(machine_get(&m, FW_BMAP(n)) == first[n], "bitmap %u is full at first", n);
		tap_errno(bmap_set(&m, n, beyond[n]), EINVAL, "bitmap %u: a service more", n);
	}
	tap_errno(bmap_set(&m, 0, 0), 0, "bitmap 0 is cleared");
	tap_ok(answers(&m, FN_TRNG_VERSION, NOT_SUPPORTED), "and there is no TRNG");
	tap_ok(answers(&m, FN_VENDOR_UID, 0xb66fb428), "KVM's UID is there");
	tap_errno(bmap_set(&m, 0, 1), EBUSY, "after KVM_RUN bitmap 0 is fixed");
	tap_errno(bmap_set(&m, 0, 0), 0, "but may be set to what it is");
	machine_close(&m);
}

static void filter(void)
{
	struct machine m;
	uint64_t pc;

	machine_open(&m, 0);
	call(m.vm, KVM_SET_DEVICE_ATTR,
	     FILTER(.base = FN_TRNG_VERSION, .nr_functions = 1, .action = KVM_SMCCC_FILTER_DENY));
	call(m.vm, KVM_SET_DEVICE_ATTR,
	     FILTER(.base = FN_VENDOR_UID, .nr_functions = 1,
		    .action = KVM_SMCCC_FILTER_FWD_TO_USER));
	tap_ok(answers(&m, FN_TRNG_VERSION, NOT_SUPPORTED), "a call that the filter denies");
	machine_call(&m, guest_smc, FN_VENDOR_UID, 0);
	pc = machine_get(&m, REG_PC);
	tap_ok(machine_run(&m) == 0 && m.run->exit_reason == KVM_EXIT_HYPERCALL &&
		       m.run->hypercall.nr == FN_VENDOR_UID &&
		       m.run->hypercall.flags == KVM_HYPERCALL_EXIT_SMC,
	       "one that it forwards is KVM_EXIT_HYPERCALL");
	tap_ok(machine_get(&m, REG_PC) == pc + 4, "with PC after it");
	tap_errno(call(m.vm, KVM_SET_DEVICE_ATTR, FILTER(.base = 1, .nr_functions = 1)), EBUSY,
		  "after KVM_RUN the filter is fixed");
	machine_close(&m);
}

/* Forwarded, the VMM has the guest's arguments, and the guest what the VMM puts in its place. */
static bool forwarded(struct machine *m, const void *conduit, uint32_t fn)
{
	uint64_t smc = conduit == guest_smc ? KVM_HYPERCALL_EXIT_SMC : 0, value = 0;
	bool asked;

	machine_call(m, conduit, fn, TEST_GPA);
	machine_set(m, REG_X(2), 0x1234567887654321);
	asked = machine_run(m) == 0 && m->run->exit_reason == KVM_EXIT_HYPERCALL &&
		m->run->hypercall.nr == fn && m->run->hypercall.flags == smc &&
		machine_get(m, REG_X(1)) == TEST_GPA &&
		machine_get(m, REG_X(2)) == 0x1234567887654321;
	machine_set(m, REG_X(0), 0xfeedULL << 32 | fn);
	return asked && machine_run(m) == 0 && machine_done(m, &value) &&
	       value == (0xfeedULL << 32 | fn);
}

/* What a guest asks to have shared or private is the VMM's to do, or nobody's. */
static void conversions(void)
{
	static const uint32_t fns[] = { FN_MEM_INFO, FN_MEM_SHARE, FN_MEM_UNSHARE };
	struct machine m;

	machine_open(&m, 0);
	for (size_t i = 0; i < 3; i++)
		tap_ok(answers(&m, fns[i], NOT_SUPPORTED), "%#x is nobody's at first", fns[i]);
	tap_ok(answers(&m, FN_FEATURES, 3), "and no feature says otherwise");
	machine_close(&m);

	machine_open(&m, 0);
	tap_errno(call(m.vm, KVM_SET_DEVICE_ATTR,
		       FILTER(.base = FN_MEM_INFO, .nr_functions = 3,
			      .action = KVM_SMCCC_FILTER_FWD_TO_USER)),
		  0, "MEM_INFO, MEM_SHARE and MEM_UNSHARE are forwarded");
	tap_errno(call(m.vm, KVM_SET_DEVICE_ATTR,
		       FILTER(.base = FN_FEATURES, .nr_functions = 1,
			      .action = KVM_SMCCC_FILTER_FWD_TO_USER)),
		  0, "and the features");
	for (size_t i = 0; i < 3; i++) {
		tap_ok(forwarded(&m, guest_hvc, fns[i]), "%#x by HVC is the VMM's", fns[i]);
		tap_ok(forwarded(&m, guest_smc, fns[i]), "and by SMC");
	}
	tap_ok(forwarded(&m, guest_hvc, FN_FEATURES), "so are the features");
	tap_ok(answers(&m, FN_VENDOR_UID, 0xb66fb428), "KVM's UID is not");
	tap_ok(answers(&m, FN_MEM_INFO - 1, NOT_SUPPORTED), "nor is a function beside them");
	machine_close(&m);
}

static void stolen_time(void)
{
	struct machine m;
	const uint64_t *structure;

	machine_open(&m, 0);
	tap_ok(answers(&m, FN_PV_TIME_ST, NOT_SUPPORTED),
	       "no stolen time unless the VMM places it");
	call(m.vcpu, KVM_SET_DEVICE_ATTR, ATTR_AT(2, 0, &ipa));
	structure = (const uint64_t *)((const uint8_t *)m.code + PAGE);
	tap_ok(answers(&m, FN_PV_TIME_ST, ipa), "the guest is told its place");
	tap_ok(structure[0] == 0, "revision and attributes are 0");
	machine_close(&m);
}

/* CPU time of this thread. */
static long cpu_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* KVM of Linux 6.12 goes on waiting. */
static void woken(struct machine *m)
{
	const char *what = "a pending SError wakes it up";
	long err;

	alarm_in(2000);
	err = machine_run(m);
	alarm_in(0);
	if (err == -EINTR && !env.tsr)
		tap_skip("this KVM does not count SErrors", what);
	else
		tap_ok(!err && m->run->exit_reason == KVM_EXIT_SYSTEM_EVENT &&
			       m->run->system_event.type == KVM_SYSTEM_EVENT_WAKEUP,
		       what);
}

/* PSCI SYSTEM_SUSPEND is there where the VMM wants it, and is the VMM's to do. */
static void suspend(void)
{
	struct kvm_mp_state state = { .mp_state = KVM_MP_STATE_SUSPENDED };
	struct machine m;
	long before;

	machine_open(&m, 0);
	tap_ok(answers(&m, 0xc400000e, NOT_SUPPORTED), "SYSTEM_SUSPEND is off at first");
	tap_errno(machine_cap(&m, KVM_CAP_ARM_SYSTEM_SUSPEND), 0, "it is enabled");
	machine_call(&m, guest_hvc, 0xc400000e, 0);
	tap_ok(machine_run(&m) == 0 && m.run->exit_reason == KVM_EXIT_SYSTEM_EVENT &&
		       m.run->system_event.type == KVM_SYSTEM_EVENT_SUSPEND,
	       "and is a system event");
	tap_errno(call(m.vcpu, KVM_SET_MP_STATE, PTR(&state)), 0, "SET_MP_STATE: SUSPENDED");
	call(m.vcpu, KVM_SET_DEVICE_ATTR, ATTR_AT(2, 0, &ipa));
	before = cpu_ms();
	alarm_in(200);
	tap_errno(machine_run(&m), EINTR, "a suspended vCPU waits: EINTR");
	tap_ok(cpu_ms() - before < 100, "and sleeps, with an account of stolen time, too");
	call(m.vcpu, KVM_SET_VCPU_EVENTS,
	     PTR(&(const struct kvm_vcpu_events){ .exception.serror_pending = 1 }));
	woken(&m);
	state.mp_state = KVM_MP_STATE_RUNNABLE;
	tap_errno(call(m.vcpu, KVM_SET_MP_STATE, PTR(&state)), 0, "SET_MP_STATE: RUNNABLE");
	machine_close(&m);
}

void test_calls(void)
{
	struct machine m;

	machine_open(&m, 0);
	rows_run(&m, rows, ROW_COUNT(rows));
	machine_close(&m);
	bitmaps();
	filter();
	conversions();
	stolen_time();
	suspend();
}
