// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The VM's fd apart from memory: capabilities to enable, vCPU ids, the preferred target. */
#include <errno.h>
#include <unistd.h>

#include "groups.h"
#include "rows.h"
#include "tap.h"

#define CAP(...) PTR(&(const struct kvm_enable_cap){ __VA_ARGS__ })

static const struct row cap_rows[] = {
	{ "ENABLE_CAP: NULL", 0, FD_VM, KVM_ENABLE_CAP, PTR_NULL, EFAULT },
	{ "ENABLE_CAP: unmapped", 0, FD_VM, KVM_ENABLE_CAP, PTR_UNMAPPED, EFAULT },
	{ "ENABLE_CAP: a kernel address", 0, FD_VM, KVM_ENABLE_CAP, PTR_KERNEL, EFAULT },
	{ "ENABLE_CAP: nothing that can be enabled", 0, FD_VM, KVM_ENABLE_CAP,
	  CAP(.cap = KVM_CAP_USER_MEMORY), EINVAL },
	{ "ENABLE_CAP: unknown", 0, FD_VM, KVM_ENABLE_CAP, CAP(.cap = 0x7fffffff), EINVAL },
	{ "ENABLE_CAP: MTE with flags", 0, FD_VM, KVM_ENABLE_CAP,
	  CAP(.cap = KVM_CAP_ARM_MTE, .flags = 1), EINVAL },
	{ "ENABLE_CAP: MTE without FEAT_MTE2", NEED_NO_MTE, FD_VM, KVM_ENABLE_CAP,
	  CAP(.cap = KVM_CAP_ARM_MTE), EINVAL },
	{ "ENABLE_CAP: MTE", NEED_MTE, FD_VM, KVM_ENABLE_CAP, CAP(.cap = KVM_CAP_ARM_MTE), 0 },
	{ "ENABLE_CAP: MTE again", NEED_MTE, FD_VM, KVM_ENABLE_CAP, CAP(.cap = KVM_CAP_ARM_MTE),
	  0 },
	{ "ENABLE_CAP: TSR_VERSION is no opt-in", 0, FD_VM, KVM_ENABLE_CAP,
	  CAP(.cap = KVM_CAP_TSR_VERSION), EINVAL },
	{ "ENABLE_CAP: TSR_NOTAG is no opt-in", 0, FD_VM, KVM_ENABLE_CAP,
	  CAP(.cap = KVM_CAP_TSR_NOTAG), EINVAL },
	{ "ENABLE_CAP: TSR_LAZY_TAGS without FEAT_MTE2", NEED_NO_MTE, FD_VM, KVM_ENABLE_CAP,
	  CAP(.cap = KVM_CAP_TSR_LAZY_TAGS), EINVAL },
	{ "ENABLE_CAP: TSR_LAZY_TAGS with an argument", 0, FD_VM, KVM_ENABLE_CAP,
	  CAP(.cap = KVM_CAP_TSR_LAZY_TAGS, .args = { 1 }), EINVAL },
	{ "ENABLE_CAP: TSR_LAZY_TAGS with flags", 0, FD_VM, KVM_ENABLE_CAP,
	  CAP(.cap = KVM_CAP_TSR_LAZY_TAGS, .flags = 1), EINVAL },
	{ "ENABLE_CAP: TSR_LAZY_TAGS", NEED_TSR | NEED_MTE, FD_VM, KVM_ENABLE_CAP,
	  CAP(.cap = KVM_CAP_TSR_LAZY_TAGS), 0 },
	{ "ENABLE_CAP: TSR_LAZY_TAGS again", NEED_TSR | NEED_MTE, FD_VM, KVM_ENABLE_CAP,
	  CAP(.cap = KVM_CAP_TSR_LAZY_TAGS), 0 },
};

static const struct row late_rows[] = {
	{ "ENABLE_CAP: MTE after the first vCPU", NEED_MTE, FD_VM, KVM_ENABLE_CAP,
	  CAP(.cap = KVM_CAP_ARM_MTE), EINVAL },
	{ "ENABLE_CAP: TSR_LAZY_TAGS after the first vCPU", 0, FD_VM, KVM_ENABLE_CAP,
	  CAP(.cap = KVM_CAP_TSR_LAZY_TAGS), EINVAL },
	{ "ENABLE_CAP: unknown, after the first vCPU", 0, FD_VM, KVM_ENABLE_CAP,
	  CAP(.cap = 0x7fffffff), EINVAL },
};

static const struct row vcpu_rows[] = {
	{ "CREATE_VCPU: an id that is taken", 0, FD_VM, KVM_CREATE_VCPU, 0, EEXIST },
	{ "CREATE_VCPU: another id", 0, FD_VM, KVM_CREATE_VCPU, 1, 0 },
	{ "CREATE_VCPU: 2^31", 0, FD_VM, KVM_CREATE_VCPU, 1UL << 31, EINVAL },
	{ "CREATE_VCPU: 2^32 - 1", 0, FD_VM, KVM_CREATE_VCPU, 0xffffffffUL, EINVAL },
	{ "CREATE_VCPU: 2^32", NEED_TSR, FD_VM, KVM_CREATE_VCPU, 1UL << 32, EINVAL },
	{ "CREATE_VCPU: all bits", 0, FD_VM, KVM_CREATE_VCPU, ~0UL, EINVAL },
};

static const struct kvm_vcpu_init read_only;

static const struct row target_rows[] = {
	{ "ARM_PREFERRED_TARGET: NULL", 0, FD_VM, KVM_ARM_PREFERRED_TARGET, PTR_NULL, EFAULT },
	{ "ARM_PREFERRED_TARGET: unmapped", 0, FD_VM, KVM_ARM_PREFERRED_TARGET, PTR_UNMAPPED,
	  EFAULT },
	{ "ARM_PREFERRED_TARGET: a kernel address", 0, FD_VM, KVM_ARM_PREFERRED_TARGET, PTR_KERNEL,
	  EFAULT },
	{ "ARM_PREFERRED_TARGET: a read-only page", 0, FD_VM, KVM_ARM_PREFERRED_TARGET,
	  PTR(&read_only), EFAULT },
};

static void preferred_target(struct machine *m)
{
	struct kvm_vcpu_init init = { .target = 0xffffffff };
	uint32_t features = 0;

	tap_errno(call(m->vm, KVM_ARM_PREFERRED_TARGET, PTR(&init)), 0, "ARM_PREFERRED_TARGET");
	for (unsigned int i = 0; i < 7; i++)
		features |= init.features[i];
	tap_ok(init.target == KVM_ARM_TARGET_GENERIC_V8 && !features,
	       "ARM_PREFERRED_TARGET: the generic target, no features");
}

/* As many vCPUs as the VM says it takes, and not one more. */
static void all_vcpus(void)
{
	static int fds[4096];
	struct machine m;
	long max, made = 0;

	machine_open(&m, MACHINE_NO_VCPU);
	max = call(m.vm, KVM_CHECK_EXTENSION, KVM_CAP_MAX_VCPUS);
	while (made < max && made < 4096) {
		fds[made] = (int)call(m.vm, KVM_CREATE_VCPU, (unsigned long)made);
		if (fds[made] < 0)
			break;
		made++;
	}
	if (!tap_ok(made == max, "CREATE_VCPU: CAP_MAX_VCPUS of them"))
		tap_note("%ld of %ld", made, max);
	tap_errno(call(m.vm, KVM_CREATE_VCPU, (unsigned long)max), EINVAL,
		  "CREATE_VCPU: one more than CAP_MAX_VCPUS");
	while (made > 0)
		close(fds[--made]);
	machine_close(&m);
}

static void max_id(void)
{
	struct machine m;
	long limit, fd;

	machine_open(&m, MACHINE_NO_VCPU);
	limit = call(m.vm, KVM_CHECK_EXTENSION, KVM_CAP_MAX_VCPU_ID);
	tap_errno(call(m.vm, KVM_CREATE_VCPU, (unsigned long)limit), EINVAL,
		  "CREATE_VCPU: id CAP_MAX_VCPU_ID");
	fd = call(m.vm, KVM_CREATE_VCPU, (unsigned long)limit - 1);
	tap_errno(fd, 0, "CREATE_VCPU: id CAP_MAX_VCPU_ID - 1");
	if (fd >= 0)
		close((int)fd);
	machine_close(&m);
}

/* The id of a vCPU stays taken after its fd is closed: api.rst 4.7 has no way to free it. */
static void id_after_close(void)
{
	struct machine m;
	long fd;

	machine_open(&m, MACHINE_NO_VCPU);
	fd = call(m.vm, KVM_CREATE_VCPU, 3);
	tap_errno(fd, 0, "CREATE_VCPU: id 3");
	close((int)fd);
	tap_errno(call(m.vm, KVM_CREATE_VCPU, 3), EEXIST,
		  "CREATE_VCPU: an id whose fd is closed is still taken");
	machine_close(&m);
}

void test_vm(void)
{
	struct machine m;

	machine_open(&m, MACHINE_NO_VCPU);
	rows_run(&m, cap_rows, ROW_COUNT(cap_rows));
	machine_close(&m);

	machine_open(&m, 0);
	rows_run(&m, late_rows, ROW_COUNT(late_rows));
	rows_run(&m, vcpu_rows, ROW_COUNT(vcpu_rows));
	rows_run(&m, target_rows, ROW_COUNT(target_rows));
	preferred_target(&m);
	machine_close(&m);

	all_vcpus();
	max_id();
	id_after_close();
}
