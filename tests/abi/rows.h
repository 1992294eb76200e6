/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A table of single ioctls: a row is a call on one of the fds of a machine and the errno
 * that api.rst or docs/abi.md gives it.
 */
#ifndef TESTS_ABI_ROWS_H
#define TESTS_ABI_ROWS_H

#include "machine.h"

enum fd_kind {
	FD_SYSTEM,
	FD_VM,
	FD_VCPU,
	FD_NULL,   /* /dev/null: a file that is no part of KVM */
	FD_CLOSED, /* the number of a VM's fd after close() */
};

struct row {
	const char *name;
	unsigned int need;
	enum fd_kind fd;
	unsigned long request;
	unsigned long arg;
	int want; /* errno, or 0: any result that is not a failure */
};

/* Arguments that no call may read or write. */
#define PTR(...)     ((unsigned long)(__VA_ARGS__))
#define PTR_NULL     0UL
#define PTR_UNMAPPED 0x1000UL /* below what a process may map */
#define PTR_KERNEL   0xffff800000000000UL

#define ROW_COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* Runs a table on the fds of @m; fds that a call makes are closed again. */
void rows_run(struct machine *m, const struct row *rows, unsigned int count);

/* One row on an fd of the caller's choice. */
void row_run(int fd, const struct row *row);

#endif
