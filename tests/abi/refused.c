// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * What tessera does not serve: docs/abi.md 2.1, from which the table here is generated.
 * Whatever the argument is, the answer is ENOTTY, or the error that the row names; so it is
 * of every number that has no row, whatever mainline's header calls it, on every fd.
 */
#include <errno.h>

#include "groups.h"
#include "rows.h"
#include "tap.h"

/* Zero and writable: a call that wrongly goes ahead finds memory to go on with. */
static char scratch[2 * PAGE] __attribute__((aligned(16)));

#define FDS_SYSTEM (1U << FD_SYSTEM)
#define FDS_VM	   (1U << FD_VM)
#define FDS_VCPU   (1U << FD_VCPU)

static const struct ioctl_row {
	const char *name;
	unsigned long request;
	unsigned int fds;
	int error;
} table[] = {
#define IOCTL(name, fds, error) { #name, name, fds, error },
#include <abi_ioctls.h>
};

static const char *const fd_names[] = { "system", "VM", "vCPU" };

static int fd_of(const struct machine *m, enum fd_kind kind)
{
	return kind == FD_SYSTEM ? env.kvm : kind == FD_VM ? m->vm : m->vcpu;
}

/* Two names may have one number, each on its own fd. */
static const struct ioctl_row *row_of(enum fd_kind kind, unsigned long request)
{
	for (unsigned int i = 0; i < ROW_COUNT(table); i++)
		if (table[i].request == request && (table[i].fds & 1U << kind))
			return &table[i];
	return NULL;
}

/* On each fd where it is not served. */
static void table_run(struct machine *m, const struct ioctl_row *row)
{
	for (enum fd_kind kind = FD_SYSTEM; kind <= FD_VCPU; kind++) {
		const struct ioctl_row *here = row_of(kind, row->request);

		if (!here || here->error)
			tap_errno(call(fd_of(m, kind), row->request, PTR(scratch)),
				  here ? here->error : ENOTTY, "%s: %s", fd_names[kind], row->name);
	}
}

/* Sizes of structures that the header's numbers have, of any architecture, and of none. */
static const unsigned int sizes[] = { 0,   1,	2,   4,	  5,   8,   12,	 16,   20,
				      24,  32,	40,  48,  56,  64,  72,	 80,   96,
				      104, 128, 256, 312, 416, 520, 864, 1024, 4096 };

/* Each direction and size of number @nr; returns those not refused, the last in @request. */
static unsigned int number_run(int fd, enum fd_kind kind, unsigned int nr, unsigned long *request)
{
	unsigned int wrong = 0;

	for (unsigned int dir = _IOC_NONE; dir <= (_IOC_READ | _IOC_WRITE); dir++)
		for (unsigned int i = 0; i < ROW_COUNT(sizes); i++) {
			unsigned long cmd = _IOC(dir, KVMIO, nr, sizes[i]);

			if (row_of(kind, cmd) || call(fd, cmd, PTR(scratch)) == -ENOTTY)
				continue;
			*request = cmd;
			wrong++;
		}
	return wrong;
}

static void numbers(struct machine *m)
{
	for (enum fd_kind kind = FD_SYSTEM; kind <= FD_VCPU; kind++) {
		unsigned long request = 0;
		unsigned int wrong = 0;

		for (unsigned int nr = 0; nr < 256; nr++)
			wrong += number_run(fd_of(m, kind), kind, nr, &request);
		tap_ok(!wrong, "%s: every other number (%u wrong, the last %#lx)", fd_names[kind],
		       wrong, request);
	}
}

/* KVM_CREATE_DEVICE of each type, and as a mere question. */
static void devices(struct machine *m)
{
	for (unsigned int type = 0; type <= KVM_DEV_TYPE_ARM_PV_TIME + 8; type++) {
		for (unsigned int flags = 0; flags <= KVM_CREATE_DEVICE_TEST; flags++) {
			struct kvm_create_device device = { .type = type, .flags = flags };

			tap_errno(call(m->vm, KVM_CREATE_DEVICE, PTR(&device)), ENODEV,
				  "VM: CREATE_DEVICE of type %u, flags %u", type, flags);
		}
	}
}

void test_refused(void)
{
	struct machine m;

	if (!env.tsr) {
		tap_skip("mainline serves some, and says EINVAL to others", "what is not served");
		return;
	}
	machine_open(&m, 0);
	for (unsigned int i = 0; i < ROW_COUNT(table); i++)
		table_run(&m, &table[i]);
	numbers(&m);
	devices(&m);
	machine_close(&m);
}
