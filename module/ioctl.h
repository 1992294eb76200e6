/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tables of ioctls. Each file descriptor has one const table; its code dispatches
 * from it and from nothing else, and docs/abi.md section 2.1 is checked against it.
 *
 * The argument of an entry is what its number says (_IOC_DIR, _IOC_SIZE): for
 * _IOW the structure is copied in before the call, for _IOR copied out after a
 * call that did not fail, for _IOWR both; for _IO the bare number is passed.
 * Numbers that say more than mainline does, a structure that is read alone, are
 * TSR_READS: a VMM may have it in memory that cannot be written.
 * Whoever needs more of the user's memory than the fixed structure finds its
 * address in @raw.
 */
#ifndef MODULE_IOCTL_H
#define MODULE_IOCTL_H

#include <linux/types.h>

/* No fixed structure of a table is larger (struct kvm_guest_debug: 520). */
#define TSR_IOCTL_ARG_MAX 520

struct tsr_ioctl {
	unsigned int cmd;
	/*
	 * @self: the owner of the file; @arg: the structure, in kernel memory, NULL for
	 * _IO; @raw: the ioctl's third argument. Returns what the ioctl returns.
	 */
	long (*call)(void *self, void *arg, unsigned long raw);
	int refusal; /* where there is no call: the errno, after the structure was read */
	bool reads;  /* nothing is copied out, whatever the number says */
};

#define TSR_SERVED(cmd_, call_)	  { .cmd = (cmd_), .call = (call_) }
#define TSR_READS(cmd_, call_)	  { .cmd = (cmd_), .call = (call_), .reads = true }
#define TSR_REFUSED(cmd_, errno_) { .cmd = (cmd_), .refusal = -(errno_) }

/*
 * Looks @cmd up in the @count entries of @table and serves it.
 * Errors: -ENOTTY for a number that is not in the table, -EFAULT for an argument
 * that cannot be read or written, else the entry's own.
 */
long tsr_ioctl_dispatch(const struct tsr_ioctl *table, size_t count, void *self, unsigned int cmd,
			unsigned long raw);

#endif
