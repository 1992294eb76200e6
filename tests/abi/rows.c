// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <err.h>
#include <fcntl.h>
#include <unistd.h>

#include "rows.h"
#include "tap.h"

static bool makes_fd(unsigned long request)
{
	return request == KVM_CREATE_VM || request == KVM_CREATE_VCPU;
}

void row_run(int fd, const struct row *row)
{
	const char *lacks = env_lacks(row->need);
	long ret;

	if (lacks) {
		tap_skip(lacks, "%s", row->name);
		return;
	}
	ret = call(fd, row->request, row->arg);
	tap_errno(ret, row->want, "%s", row->name);
	if (ret >= 0 && makes_fd(row->request))
		close((int)ret);
}

static int closed_fd(void)
{
	struct machine m;

	machine_open(&m, MACHINE_NO_VCPU);
	machine_close(&m);
	return m.vm;
}

void rows_run(struct machine *m, const struct row *rows, unsigned int count)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0)
		err(2, "/dev/null cannot be opened");
	for (unsigned int i = 0; i < count; i++) {
		int fd = -1;

		switch (rows[i].fd) {
		case FD_SYSTEM:
			fd = env.kvm;
			break;
		case FD_VM:
			fd = m->vm;
			break;
		case FD_VCPU:
			fd = m->vcpu;
			break;
		case FD_NULL:
			fd = null;
			break;
		case FD_CLOSED:
			fd = closed_fd();
			break;
		}
		row_run(fd, &rows[i]);
	}
	close(null);
}
