// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* /dev/kvm: its ioctls, the IPA sizes of KVM_CREATE_VM, fds of the wrong kind. */
#include <errno.h>
#include <unistd.h>

#include "groups.h"
#include "rows.h"
#include "tap.h"

/* No KVM has these: a type byte of somebody else, and a number far above KVM's. */
#define OTHER_TYPE   _IO('T', 0x01)
#define OTHER_NUMBER _IO(KVMIO, 0xfe)

static const struct row rows[] = {
	{ "GET_API_VERSION", 0, FD_SYSTEM, KVM_GET_API_VERSION, 0, 0 },
	{ "GET_API_VERSION with an argument", 0, FD_SYSTEM, KVM_GET_API_VERSION, 1, EINVAL },
	{ "GET_VCPU_MMAP_SIZE", 0, FD_SYSTEM, KVM_GET_VCPU_MMAP_SIZE, 0, 0 },
	{ "GET_VCPU_MMAP_SIZE with an argument", 0, FD_SYSTEM, KVM_GET_VCPU_MMAP_SIZE, 1, EINVAL },
	{ "CREATE_VM: 40 bits by default", 0, FD_SYSTEM, KVM_CREATE_VM, 0, 0 },
	{ "CREATE_VM: 32 bits", 0, FD_SYSTEM, KVM_CREATE_VM, 32, 0 },
	{ "CREATE_VM: 36 bits", 0, FD_SYSTEM, KVM_CREATE_VM, 36, 0 },
	{ "CREATE_VM: 40 bits", 0, FD_SYSTEM, KVM_CREATE_VM, 40, 0 },
	{ "CREATE_VM: 1 bit", 0, FD_SYSTEM, KVM_CREATE_VM, 1, EINVAL },
	{ "CREATE_VM: 31 bits", 0, FD_SYSTEM, KVM_CREATE_VM, 31, EINVAL },
	{ "CREATE_VM: 64 bits", 0, FD_SYSTEM, KVM_CREATE_VM, 64, EINVAL },
	{ "CREATE_VM: 255 bits", 0, FD_SYSTEM, KVM_CREATE_VM, 255, EINVAL },
	{ "CREATE_VM: an unknown bit 8", 0, FD_SYSTEM, KVM_CREATE_VM, 1UL << 8 | 40, EINVAL },
	{ "CREATE_VM: an unknown bit 30", 0, FD_SYSTEM, KVM_CREATE_VM, 1UL << 30, EINVAL },
	{ "CREATE_VM: an unknown bit 32", NEED_TSR, FD_SYSTEM, KVM_CREATE_VM, 1UL << 32, EINVAL },
	{ "CREATE_VM: an unknown bit 63", NEED_TSR, FD_SYSTEM, KVM_CREATE_VM, 1UL << 63, EINVAL },
	{ "GET_API_VERSION on a VM", NEED_TSR, FD_VM, KVM_GET_API_VERSION, 0, ENOTTY },
	{ "CREATE_VM on a VM", NEED_TSR, FD_VM, KVM_CREATE_VM, 0, ENOTTY },
	{ "GET_VCPU_MMAP_SIZE on a VM", NEED_TSR, FD_VM, KVM_GET_VCPU_MMAP_SIZE, 0, ENOTTY },
	{ "GET_API_VERSION on a vCPU", NEED_TSR, FD_VCPU, KVM_GET_API_VERSION, 0, ENOTTY },
	{ "CHECK_EXTENSION on a vCPU", NEED_TSR, FD_VCPU, KVM_CHECK_EXTENSION, 3, ENOTTY },
	{ "CREATE_VCPU on /dev/kvm", NEED_TSR, FD_SYSTEM, KVM_CREATE_VCPU, 0, ENOTTY },
	{ "CREATE_VCPU on a vCPU", NEED_TSR, FD_VCPU, KVM_CREATE_VCPU, 1, ENOTTY },
	{ "RUN on /dev/kvm", NEED_TSR, FD_SYSTEM, KVM_RUN, 0, ENOTTY },
	{ "RUN on a VM", NEED_TSR, FD_VM, KVM_RUN, 0, ENOTTY },
	{ "GET_API_VERSION on /dev/null", 0, FD_NULL, KVM_GET_API_VERSION, 0, ENOTTY },
	{ "CREATE_VCPU on /dev/null", 0, FD_NULL, KVM_CREATE_VCPU, 0, ENOTTY },
	{ "RUN on /dev/null", 0, FD_NULL, KVM_RUN, 0, ENOTTY },
	{ "CREATE_VCPU on a closed fd", 0, FD_CLOSED, KVM_CREATE_VCPU, 0, EBADF },
	{ "CHECK_EXTENSION on a closed fd", 0, FD_CLOSED, KVM_CHECK_EXTENSION, 3, EBADF },
	{ "an unknown number on /dev/kvm", NEED_TSR, FD_SYSTEM, OTHER_NUMBER, 0, ENOTTY },
	{ "an unknown number on a VM", NEED_TSR, FD_VM, OTHER_NUMBER, 0, ENOTTY },
	{ "an unknown number on a vCPU", NEED_TSR, FD_VCPU, OTHER_NUMBER, 0, ENOTTY },
	{ "another type on /dev/kvm", NEED_TSR, FD_SYSTEM, OTHER_TYPE, 0, ENOTTY },
	{ "another type on a VM", NEED_TSR, FD_VM, OTHER_TYPE, 0, ENOTTY },
};

static void ipa_limit(void)
{
	long bits = call(env.kvm, KVM_CHECK_EXTENSION, KVM_CAP_ARM_VM_IPA_SIZE);
	long fd = call(env.kvm, KVM_CREATE_VM, (unsigned long)bits);

	tap_ok(bits >= 32 && bits <= 52, "CAP_ARM_VM_IPA_SIZE is a size");
	tap_errno(fd, 0, "CREATE_VM: the largest IPA size");
	if (fd >= 0)
		close((int)fd);
	tap_errno(call(env.kvm, KVM_CREATE_VM, (unsigned long)bits + 1), EINVAL,
		  "CREATE_VM: a bit more than the largest");
}

void test_system(void)
{
	struct machine m;
	long size = call(env.kvm, KVM_GET_VCPU_MMAP_SIZE, 0);

	machine_open(&m, 0);
	rows_run(&m, rows, ROW_COUNT(rows));
	machine_close(&m);
	tap_ok(call(env.kvm, KVM_GET_API_VERSION, 0) == 12, "the API version is 12");
	tap_ok(size >= (long)sizeof(struct kvm_run) && size % (long)PAGE == 0,
	       "the mapping of a vCPU holds struct kvm_run, in pages");
	ipa_limit();
}
