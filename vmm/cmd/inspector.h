/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * How a running `tessera run` is asked about its memory: a Unix socket. To
 * connect is to ask, nothing is read from who asks; the answer is one message
 * that carries the descriptor of a memfd with the snapshot (snapshot.h), sealed.
 * So nobody who connects can keep the VMM waiting or feed it anything.
 *
 * The socket has a path, or else the abstract name "tessera-PID". Only the
 * user that runs the VM, and root, are answered; the client checks likewise
 * that who answers is the process it asked for, or runs as its own user or
 * root.
 *
 * Sections of the manual: unix(7), SO_PEERCRED and SCM_RIGHTS; memfd_create(2).
 */
#ifndef CMD_INSPECTOR_H
#define CMD_INSPECTOR_H

#include "snapshot.h"

struct inspector {
	int socket; /* -1: nobody can ask */
	const char *path;
};

/* @path: where to listen; NULL for the abstract name. Errors, explained in @why: of bind(). */
int inspector_open(struct inspector *inspector, const char *path, struct tsr_why *why);
void inspector_close(struct inspector *inspector);

/* Answers one who has connected. Never waits; a failure concerns nobody but him. */
void inspector_answer(struct inspector *inspector, struct tsr_vm *vm, const struct tsr_ram *ram,
		      struct tsr_lazy *lazy, unsigned int vcpus);

/*
 * The other side: asks the VM at @where, a process's number or a path.
 *
 * Errors, explained in @why: those of connect(); -EPERM if somebody else
 * answers; -EPROTO if the answer is none.
 */
int inspector_ask(const char *where, FILE **answer, struct tsr_why *why);

/* `tessera inspect`: @argv[0] is "inspect". Returns the exit status. */
int inspect_command(int argc, char **argv);

#endif
